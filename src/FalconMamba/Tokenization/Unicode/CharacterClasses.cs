using System.Runtime.CompilerServices;
using System.Text;

namespace FalconMamba.Tokenization.Unicode;

/// <summary>
/// The class of every code point, exactly as the reference tokenizer library has it. Its classes come from tables of
/// different Unicode versions, so neither the runtime's categories nor any single version would cut text the same way.
/// </summary>
internal static class CharacterClasses
{
    private const int BlockBits = 8;
    private const int BlockSize = 1 << BlockBits;

    // Two stages: the block of 256 code points, then the class inside it. Most of the 4352 blocks are equal.
    private static readonly ushort[] BlockOf;
    private static readonly byte[] Blocks;

    static CharacterClasses()
    {
        var flat = new byte[0x110000];
        foreach (var (key, words) in UnicodeTable.ReadLines("character-classes.txt"))
        {
            var flag = (byte)Enum.Parse<CharacterClass>(key, ignoreCase: true);
            foreach (var word in words)
                foreach (ref var member in flat.AsSpan(UnicodeTable.ParseRange(word))) member |= flag;
        }

        BlockOf = new ushort[flat.Length >> BlockBits];
        var blocks = new List<byte>();
        var known = new Dictionary<string, ushort>();
        for (var block = 0; block < BlockOf.Length; block++)
        {
            var content = flat.AsSpan(block << BlockBits, BlockSize);
            var name = Encoding.Latin1.GetString(content);
            if (!known.TryGetValue(name, out BlockOf[block]))
            {
                known[name] = BlockOf[block] = (ushort)(blocks.Count >> BlockBits);
                blocks.AddRange(content);
            }
        }

        Blocks = [.. blocks];
    }

    /// <summary>The classes of a code point up to 10FFFF.</summary>
    public static CharacterClass Of(int codePoint) =>
        (CharacterClass)Blocks[(BlockOf[codePoint >> BlockBits] << BlockBits) | (codePoint & (BlockSize - 1))];

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
