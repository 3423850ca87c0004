using System.Collections.Immutable;

namespace FalconMamba.Generation.Processors;

/// <summary>Forbids sequences: their last token, where the text ends with the rest of them.</summary>
internal sealed class BadWordsProcessor : ILogitsProcessor
{
    private readonly ImmutableArray<ImmutableArray<int>> _words;

    /// <param name="words">The sequences.</param>
    /// <param name="endIds">A single one of these among them counts for nothing: no text could end.</param>
    public BadWordsProcessor(ImmutableArray<ImmutableArray<int>> words, ImmutableArray<int> endIds) =>
        _words = [.. words.Where(word => word.Length > 1 || !endIds.Contains(word[0]))];

    /// <summary>Whether a sequence has tokens before its last one.</summary>
    public bool LooksBack => _words.Any(word => word.Length > 1);

    public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
    {
        foreach (var word in _words)
            if (ids.EndsWith(word.AsSpan()[..^1])) logits[word[^1]] = float.NegativeInfinity;
    }
}
