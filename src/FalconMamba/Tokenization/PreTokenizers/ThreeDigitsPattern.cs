namespace FalconMamba.Tokenization.PreTokenizers;

/// <summary>The expression <c>[0-9][0-9][0-9]</c> of Falcon's vocabulary, without a regular expression engine.</summary>
internal sealed class ThreeDigitsPattern : SplitPattern
{
    /// <summary>The expression as files write it.</summary>
    public const string Expression = "[0-9][0-9][0-9]";

    /// <inheritdoc/>
    public override void FindMatches(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        var run = 0;
        for (var i = 0; i < text.Length; i++)
        {
            run = char.IsAsciiDigit(text[i]) ? run + 1 : 0;
            if (run != 3) continue;
            matches.Add((i - 2, i + 1));
            run = 0;
        }
    }
}
