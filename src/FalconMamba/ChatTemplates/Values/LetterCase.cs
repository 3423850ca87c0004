using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.Tokenization.Unicode;

namespace FalconMamba.ChatTemplates.Values;

/// <summary>Full case mappings: one letter may become several, as ß becomes SS.</summary>
internal static class LetterCase
{
    private const int Sigma = 'Σ', FinalSigma = 'ς';

    private enum Form
    {
        Upper,
        Lower,
        Title,
        Folded,
    }

    private static readonly FrozenDictionary<int, string[]> Special = UnicodeTable.ReadLines("letter-cases.txt").ToFrozenDictionary(
        static line => UnicodeTable.ParseCodePoint(line.Key),
        static line => Array.ConvertAll(line.Words, static word => string.Concat(word.Split('+').Select(static code => char.ConvertFromUtf32(UnicodeTable.ParseCodePoint(code))))));

    /// <summary>All letters upper case.</summary>
    public static Text Upper(Text text) => Map(text, static (code, _, _) => Convert(code, Form.Upper));

    /// <summary>All letters lower case.</summary>
    public static Text Lower(Text text) => Map(text, static (code, all, place) => Lower(code, all, place));

    /// <summary>Folded for comparison.</summary>
    public static Text Fold(Text text) => Map(text, static (code, _, _) => Convert(code, Form.Folded));

    /// <summary>Upper case and lower case exchanged.</summary>
    public static Text Swap(Text text) => Map(text, static (code, all, place) =>
        IsUpper(code) ? Lower(code, all, place) : IsLower(code) ? Convert(code, Form.Upper) : Characters.ToText(code));

    /// <summary>The first character in title case and the rest lower case.</summary>
    public static Text Capitalize(Text text) => Map(text, static (code, all, place) => place == 0 ? Convert(code, Form.Title) : Lower(code, all, place));

    /// <summary>The first letter of each run of letters in title case and the rest lower case.</summary>
    public static Text Title(Text text) => Map(text, static (code, all, place) =>
        place > 0 && IsCased(all[place - 1]) ? Lower(code, all, place) : Convert(code, Form.Title));

    /// <summary>Whether a code point is an upper case letter, or a number or symbol made of one.</summary>
    public static bool IsUpper(int code) => CharUnicodeInfo.GetUnicodeCategory(code) == UnicodeCategory.UppercaseLetter
        || code is >= 0x2160 and <= 0x216F or >= 0x24B6 and <= 0x24CF or >= 0x1F130 and <= 0x1F149 or >= 0x1F150 and <= 0x1F169 or >= 0x1F170 and <= 0x1F189;

    /// <summary>Whether a code point is a lower case letter, or a number, symbol or modifier made of one.</summary>
    public static bool IsLower(int code) => CharUnicodeInfo.GetUnicodeCategory(code) == UnicodeCategory.LowercaseLetter
        || code is 0xAA or 0xBA or >= 0x2B0 and <= 0x2B8 or 0x2C0 or 0x2C1 or >= 0x2E0 and <= 0x2E4 or 0x345 or 0x37A or >= 0x1D2C and <= 0x1D6A or 0x1D78
            or >= 0x1D9B and <= 0x1DBF or 0x2071 or 0x207F or >= 0x2090 and <= 0x209C or >= 0x2170 and <= 0x217F or >= 0x24D0 and <= 0x24E9;

    /// <summary>Whether a code point is a title case letter.</summary>
    public static bool IsTitle(int code) => CharUnicodeInfo.GetUnicodeCategory(code) == UnicodeCategory.TitlecaseLetter;

    /// <summary>Whether a code point has case.</summary>
    public static bool IsCased(int code) => IsUpper(code) || IsLower(code) || IsTitle(code);

    private static Text Map(Text text, Func<int, int[], int, string> map)
    {
        var codes = Characters.CodePoints(text.Value).ToArray();
        Budget.Current.Step(codes.Length >> 3);
        var builder = new TextBuilder();
        var offset = 0;
        for (var i = 0; i < codes.Length; i++)
        {
            builder.Append(map(codes[i], codes, i), text.IsTrusted || text.IsTrustedAt(offset));
            offset += codes[i] > 0xFFFF ? 2 : 1;
        }

        return builder.ToText().WithMarkup(text.IsMarkup);
    }

    private static string Convert(int code, Form form)
    {
        if (Special.TryGetValue(code, out var forms)) return forms[(int)form];
        if (!Rune.TryCreate(code, out var rune)) return Characters.ToText(code);
        return (form is Form.Upper or Form.Title ? Rune.ToUpperInvariant(rune) : Rune.ToLowerInvariant(rune)).ToString();
    }

    // A sigma at the end of a word has a form of its own.
    private static string Lower(int code, int[] all, int place)
    {
        if (code != Sigma) return Convert(code, Form.Lower);
        var before = place - 1;
        while (before >= 0 && IsIgnorable(all[before])) before--;
        var after = place + 1;
        while (after < all.Length && IsIgnorable(all[after])) after++;
        var isFinal = before >= 0 && IsCased(all[before]) && !(after < all.Length && IsCased(all[after]));
        return Characters.ToText(isFinal ? FinalSigma : 'σ');
    }

    private static bool IsIgnorable(int code) => code is '\'' or '.' or ':' or 0xB7 or 0x2019 || CharUnicodeInfo.GetUnicodeCategory(code) is
        UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;
}
