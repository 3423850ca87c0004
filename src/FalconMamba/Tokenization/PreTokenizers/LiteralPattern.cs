namespace FalconMamba.Tokenization.PreTokenizers;

/// <summary>Finds a fixed, non-empty string.</summary>
internal sealed class LiteralPattern(string literal) : SplitPattern
{
    /// <inheritdoc/>
    public override void FindMatches(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        for (var from = 0; text[from..].IndexOf(literal, StringComparison.Ordinal) is var found and >= 0; from += found + literal.Length)
            matches.Add((from + found, from + found + literal.Length));
    }
}
