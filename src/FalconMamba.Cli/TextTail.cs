using System.Collections.Immutable;
using FalconMamba.Generation;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli;

/// <summary>
/// The unfinished end of a generated text: the bytes of half a character, the beginning of a stop string. It is kept in a
/// saved session, so that the texts of two runs together are that of one.
/// </summary>
internal sealed class TextTail
{
    private const string IdsKey = "text.unfinished_ids", HeldKey = "text.held";

    private readonly Tokenizer _tokenizer;
    private readonly List<int> _unfinished = [];

    public TextTail(Tokenizer tokenizer, ImmutableArray<string> stopStrings)
    {
        _tokenizer = tokenizer;
        Stream = new TextStream(tokenizer, skipSpecialTokens: true);
        Stops = new StopStringMatcher(stopStrings);
    }

    /// <summary>Makes text of ids.</summary>
    public TextStream Stream { get; }

    /// <summary>Finds the stop strings.</summary>
    public StopStringMatcher Stops { get; }

    /// <summary>Goes on inside a saved text.</summary>
    /// <param name="notes">What <see cref="Notes"/> gave.</param>
    /// <returns>Held text that no stop string begins with any more.</returns>
    public string Restore(IReadOnlyDictionary<string, string> notes)
    {
        if (notes.TryGetValue(IdsKey, out var text) && IdList.TryParse(text, out _) is { } ids && ids.All(id => _tokenizer.IdToToken(id) is not null))
        {
            // Their complete characters were written by the earlier run.
            foreach (var id in ids) Stream.Append(id);
            Follow(ids);
        }

        return notes.TryGetValue(HeldKey, out var held) ? Stops.Push(held) : "";
    }

    /// <summary>Remembers which of the ids end in an unfinished character.</summary>
    public void Follow(IEnumerable<int> ids)
    {
        // After an id that completes a character, only its own last bytes can be unfinished. A stream of its own sees the
        // same completions: it begins where the other one did.
        var stream = new TextStream(_tokenizer, skipSpecialTokens: true);
        foreach (var id in _unfinished) stream.Append(id);
        foreach (var id in ids)
        {
            if (stream.Append(id).Length > 0) _unfinished.Clear();
            if (_tokenizer.Decode([id], skipSpecialTokens: true).Length > 0) _unfinished.Add(id);
        }
    }

    /// <summary>What a saved session keeps.</summary>
    public IReadOnlyDictionary<string, string> Notes() => new Dictionary<string, string>
    {
        [IdsKey] = string.Join(' ', _unfinished),
        [HeldKey] = Stops.Held,
    };

    /// <summary>Ends the text.</summary>
    /// <returns>What was held back.</returns>
    public string Flush()
    {
        _unfinished.Clear();
        return Stops.Push(Stream.Flush()) + Stops.Flush();
    }
}
