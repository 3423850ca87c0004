namespace FalconMamba.Tokenization;

/// <summary>
/// The alphabet of byte-level vocabularies: one printable character for each byte. Printable Latin-1 stands for itself,
/// the other 68 bytes in ascending order are U+0100 and up (GPT-2).
/// </summary>
internal static class ByteLevelAlphabet
{
    /// <summary>One more than the alphabet's last character.</summary>
    public const int End = 0x100 + 68;

    /// <summary>The character of the byte 20, an ordinary space.</summary>
    public const char Space = '\u0120';

    private static readonly char[] Characters = new char[256];
    private static readonly short[] Bytes = new short[End];

    static ByteLevelAlphabet()
    {
        Array.Fill(Bytes, (short)-1);
        var next = (char)0x100;
        for (var value = 0; value < 256; value++)
        {
            var printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            Characters[value] = printable ? (char)value : next++;
            Bytes[Characters[value]] = (short)value;
        }
    }

    /// <summary>The character of every byte, by byte.</summary>
    public static ReadOnlySpan<char> CharacterOf => Characters;

    /// <summary>The byte that a character stands for.</summary>
    /// <returns>False where the character is not in the alphabet.</returns>
    public static bool TryGetByte(char character, out byte value)
    {
        var found = character < End ? Bytes[character] : (short)-1;
        value = (byte)found;
        return found >= 0;
    }
}
