using System.Runtime.CompilerServices;

namespace FalconMamba.Tokenization.Unicode;

/// <summary>
/// The class of every code point, exactly as the reference tokenizer library has it. Its classes come from tables of
/// different Unicode versions, so neither the runtime's categories nor any single version would cut text the same way.
/// </summary>
internal static class CharacterClasses
{
    // By code point. Flat, because every char of every text is looked up here, and almost all in the same few cache lines.
    private static readonly byte[] Classes = new byte[0x110000];

    static CharacterClasses()
    {
        foreach (var (key, words) in UnicodeTable.ReadLines("character-classes.txt"))
        {
            var flag = (byte)Enum.Parse<CharacterClass>(key, ignoreCase: true);
            foreach (var word in words)
                foreach (ref var member in Classes.AsSpan(UnicodeTable.ParseRange(word))) member |= flag;
        }
    }

    /// <summary>The classes of a code point up to 10FFFF.</summary>
    public static CharacterClass Of(int codePoint) => (CharacterClass)Classes[codePoint];

    /// <summary>The classes of the code point at <paramref name="index"/>, and how many chars it takes.</summary>
    /// <param name="text">Text without unpaired surrogates.</param>
    /// <param name="index">The code point's first char.</param>
    /// <param name="width">1, or 2 for a surrogate pair.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CharacterClass At(ReadOnlySpan<char> text, int index, out int width)
    {
        var c = text[index];
        if (!char.IsHighSurrogate(c))
        {
            width = 1;
            return Of(c);
        }

        width = 2;
        return Of(char.ConvertToUtf32(c, text[index + 1]));
    }
}
