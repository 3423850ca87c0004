using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace FalconMamba.Tokenization.Unicode;

/// <summary>
/// Combining classes, decompositions and compositions of Unicode 9.0, the version of the reference tokenizer library.
/// The runtime's own <see cref="string.Normalize()"/> does nothing when globalization is invariant, and follows the
/// machine's Unicode version otherwise.
/// </summary>
internal static class NormalizationTables
{
    private const int HangulBase = 0xAC00, HangulCount = 11172;
    private const int LeadingBase = 0x1100, LeadingCount = 19;
    private const int VowelBase = 0x1161, VowelCount = 21;
    private const int TrailingBase = 0x11A7, TrailingCount = 28;

    private static readonly Dictionary<int, byte> Classes = [];
    private static readonly Dictionary<int, int[]> Canonical = [];
    private static readonly Dictionary<int, int[]> Compatible = [];
    private static readonly Dictionary<(int First, int Second), int> Composites = [];

    static NormalizationTables()
    {
        foreach (var (key, words) in UnicodeTable.ReadLines("normalization.txt"))
        {
            if (key == "class")
            {
                var combiningClass = byte.Parse(words[0], CultureInfo.InvariantCulture);
                foreach (var word in words.AsSpan(1))
                {
                    var range = UnicodeTable.ParseRange(word);
                    for (var c = range.Start.Value; c < range.End.Value; c++) Classes[c] = combiningClass;
                }

                continue;
            }

            var codes = Array.ConvertAll(words, static word => UnicodeTable.ParseCodePoint(word));
            if (key == "compose") Composites[(codes[0], codes[1])] = codes[2];
            else (key == "canonical" ? Canonical : Compatible)[codes[0]] = codes[1..];
        }
    }

    /// <summary>
    /// The characters that a normal form does not leave alone: those that may change the character before them, by their
    /// combining class or by composing with it, and those that the form replaces. Text without them is normal, and so is
    /// any other character that none of them follows.
    /// </summary>
    /// <param name="compatibility">Whether the form replaces compatibility characters too.</param>
    /// <param name="composes">Whether the form composes again.</param>
    /// <returns>A bit for each code point.</returns>
    public static BitArray FindUnstable(bool compatibility, bool composes)
    {
        var unstable = new BitArray(0x110000);
        foreach (var codePoint in Classes.Keys) unstable[codePoint] = true;
        foreach (var (_, second) in Composites.Keys) unstable[second] = true;
        for (var i = 0; i < VowelCount; i++) unstable[VowelBase + i] = true;
        for (var i = 1; i < TrailingCount; i++) unstable[TrailingBase + i] = true;
        foreach (var (codePoint, decomposition) in Canonical)
            if (!(composes && ComposesBack(codePoint, decomposition))) unstable[codePoint] = true;
        if (compatibility)
            foreach (var codePoint in Compatible.Keys) unstable[codePoint] = true;
        if (!composes)
            for (var i = 0; i < HangulCount; i++) unstable[HangulBase + i] = true;
        return unstable;
    }

    /// <summary>The canonical combining class; 0 for starters.</summary>
    public static byte CombiningClass(int codePoint) => Classes.GetValueOrDefault(codePoint);

    /// <summary>The full decomposition of a character that has one, Hangul syllables excepted.</summary>
    public static bool TryDecompose(int codePoint, bool compatibility, [NotNullWhen(true)] out int[]? decomposition) =>
        (compatibility && Compatible.TryGetValue(codePoint, out decomposition)) || Canonical.TryGetValue(codePoint, out decomposition);

    /// <summary>The two or three jamo of a Hangul syllable; <c>Trailing</c> is 0 where there is none.</summary>
    public static bool TryDecomposeHangul(int codePoint, out (int Leading, int Vowel, int Trailing) jamo)
    {
        var index = codePoint - HangulBase;
        var trailing = index % TrailingCount;
        jamo = (LeadingBase + (index / (VowelCount * TrailingCount)), VowelBase + (index / TrailingCount % VowelCount),
            trailing == 0 ? 0 : TrailingBase + trailing);
        return (uint)index < HangulCount;
    }

    /// <summary>The primary composite of two characters.</summary>
    public static bool TryCompose(int first, int second, out int composite)
    {
        var leading = (uint)(first - LeadingBase);
        var vowel = (uint)(second - VowelBase);
        if (leading < LeadingCount && vowel < VowelCount)
        {
            composite = HangulBase + (int)(((leading * VowelCount) + vowel) * TrailingCount);
            return true;
        }

        var syllable = (uint)(first - HangulBase);
        var trailing = second - TrailingBase;
        if (syllable < HangulCount && syllable % TrailingCount == 0 && trailing is > 0 and < TrailingCount)
        {
            composite = first + trailing;
            return true;
        }

        return Composites.TryGetValue((first, second), out composite);
    }

    private static bool ComposesBack(int codePoint, int[] decomposition)
    {
        var composite = decomposition[0];
        foreach (var next in decomposition.AsSpan(1))
            if (!TryCompose(composite, next, out composite)) return false;
        return composite == codePoint;
    }
}
