using FalconMamba.Tokenization;

namespace FalconMamba.Generation;

/// <summary>The text of a sequence in pieces as its tokens come, up to a stop string.</summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="stopStrings">What ends the text.</param>
/// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
internal sealed class AnswerPieces(Tokenizer tokenizer, IEnumerable<string> stopStrings, bool skipSpecialTokens = true)
{
    private readonly TextStream _stream = new(tokenizer, skipSpecialTokens);
    private readonly StopStringMatcher _stops = new(stopStrings);

    /// <summary>The stop string that has come; null while none has.</summary>
    public string? StopString => _stops.Matched;

    /// <summary>Adds a token.</summary>
    /// <returns>The text that is certain now.</returns>
    public string Append(int id) => _stops.Push(_stream.Append(id));

    /// <summary>Ends the text.</summary>
    /// <returns>What was held back.</returns>
    public string Finish() => _stops.Push(_stream.Flush()) + _stops.Flush();
}
