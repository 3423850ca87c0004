using FalconMamba.Tokenization.Unicode;

namespace FalconMamba.Tokenization.PreTokenizers;

/// <summary>Finds every single character of a class: Punctuation and Digits.</summary>
internal sealed class CharacterClassPattern(CharacterClass members) : SplitPattern
{
    /// <inheritdoc/>
    public override void FindMatches(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        for (var i = 0; i < text.Length;)
        {
            var isMember = (CharacterClasses.At(text, i, out var width) & members) != 0;
            if (isMember) matches.Add((i, i + width));
            i += width;
        }
    }
}
