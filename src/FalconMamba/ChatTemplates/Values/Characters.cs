using System.Globalization;

namespace FalconMamba.ChatTemplates.Values;

/// <summary>Classes of characters as Python's strings know them.</summary>
internal static class Characters
{
    // Ideographs that are numbers, to which the runtime gives no value.
    private const string Ideographs = "㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖百肆萬貮貳贰阡陆陌陸零";

    /// <summary>White space, which <c>strip</c> and <c>split</c> look for.</summary>
    public static bool IsSpace(char unit) => unit is >= '\t' and <= '\r' or >= '\x1C' and <= ' ' or '\x85' or '\xA0'
        or '\u1680' or >= '\u2000' and <= '\u200A' or '\u2028' or '\u2029' or '\u202F' or '\u205F' or '\u3000';

    /// <summary>What ends a line for <c>splitlines</c>.</summary>
    public static bool IsLineEnd(char unit) => unit is >= '\n' and <= '\r' or >= '\x1C' and <= '\x1E' or '\x85' or '\u2028' or '\u2029';

    /// <summary>Letters.</summary>
    public static bool IsAlpha(int code) => CharUnicodeInfo.GetUnicodeCategory(code) is UnicodeCategory.UppercaseLetter
        or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter;

    /// <summary>Decimal digits of any script.</summary>
    public static bool IsDecimal(int code) => CharUnicodeInfo.GetDecimalDigitValue(char.ConvertFromUtf32(code), 0) >= 0;

    /// <summary>Digits, raised ones included.</summary>
    public static bool IsDigit(int code) => CharUnicodeInfo.GetDigitValue(char.ConvertFromUtf32(code), 0) >= 0;

    /// <summary>Whatever has a number for a value.</summary>
    public static bool IsNumeric(int code) => CharUnicodeInfo.GetNumericValue(char.ConvertFromUtf32(code), 0) != -1
        || (code < 0x10000 && Ideographs.Contains((char)code));

    /// <summary>Letters and what has a number for a value.</summary>
    public static bool IsAlphanumeric(int code) => !IsSurrogate(code) && (IsAlpha(code) || IsNumeric(code));

    /// <summary>What <c>repr</c> prints as it is.</summary>
    public static bool IsPrintable(int code) => code == ' ' || CharUnicodeInfo.GetUnicodeCategory(code) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    /// <summary>What a name may begin with.</summary>
    public static bool IsNameStart(int code) => code == '_' || IsAlpha(code) || CharUnicodeInfo.GetUnicodeCategory(code) == UnicodeCategory.LetterNumber;

    /// <summary>What a name may go on with.</summary>
    public static bool IsNamePart(int code) => IsNameStart(code) || CharUnicodeInfo.GetUnicodeCategory(code) is UnicodeCategory.DecimalDigitNumber
        or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.ConnectorPunctuation;

    /// <summary>Half of a pair that stands alone.</summary>
    public static bool IsSurrogate(int code) => code is >= 0xD800 and < 0xE000;

    /// <summary>The code points of a text.</summary>
    public static IEnumerable<int> CodePoints(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var isPair = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]);
            yield return isPair ? char.ConvertToUtf32(text[i], text[i + 1]) : text[i];
            if (isPair) i++;
        }
    }

    /// <summary>A code point as a string.</summary>
    public static string ToText(int code) => IsSurrogate(code) ? ((char)code).ToString() : char.ConvertFromUtf32(code);
}
