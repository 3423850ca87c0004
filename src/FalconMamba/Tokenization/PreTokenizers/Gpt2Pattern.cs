using FalconMamba.Tokenization.Unicode;

namespace FalconMamba.Tokenization.PreTokenizers;

/// <summary>The split expression of GPT-2, scanned by hand: linear, and by the reference library's character classes.</summary>
internal sealed class Gpt2Pattern : SplitPattern
{
    /// <summary>The expression as files write it.</summary>
    public const string Expression = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private const CharacterClass Kinds = CharacterClass.Letter | CharacterClass.Number | CharacterClass.Space;

    /// <inheritdoc/>
    public override void FindMatches(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        for (var start = 0; start < text.Length;)
        {
            var end = EndOfMatch(text, start);
            matches.Add((start, end));
            start = end;
        }
    }

    /// <summary>The end of the match that starts at <paramref name="start"/>; there is one everywhere.</summary>
    public static int EndOfMatch(ReadOnlySpan<char> text, int start)
    {
        if (text[start] == '\'' && ContractionLength(text[(start + 1)..]) is var length and > 0) return start + 1 + length;

        // A space belongs to the word, number or symbols after it.
        var i = start;
        if (text[i] == ' ' && i + 1 < text.Length && (CharacterClasses.At(text, i + 1, out _) & CharacterClass.Space) == 0) i++;
        var kind = CharacterClasses.At(text, i, out var width) & Kinds;
        var end = i + width;
        while (end < text.Length && (CharacterClasses.At(text, end, out width) & Kinds) == kind) end += width;

        // \s+(?!\S): a run of white space before other text leaves its last character to what follows. All are one char wide.
        return kind == CharacterClass.Space && end < text.Length && end - start > 1 ? end - 1 : end;
    }

    private static int ContractionLength(ReadOnlySpan<char> afterApostrophe) => afterApostrophe switch
    {
        ['s' or 't' or 'm' or 'd', ..] => 1,
        ['r', 'e', ..] or ['v', 'e', ..] or ['l', 'l', ..] => 2,
        _ => 0,
    };
}
