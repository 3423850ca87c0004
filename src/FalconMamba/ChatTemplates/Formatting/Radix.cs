using System.Numerics;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Formatting;

/// <summary>Integers in other radixes than ten, and back.</summary>
internal static class Radix
{
    /// <summary>The digits of an integer of 0 or above.</summary>
    public static string Digits(BigInteger value, int radix)
    {
        if (radix == 10) return Representation.Integer(value);
        if (value.IsZero) return "0";
        var bits = radix switch { 2 => 1, 8 => 3, _ => 4 };
        var digits = new char[(value.GetBitLength() + bits - 1) / bits];
        for (var i = digits.Length - 1; i >= 0; i--)
        {
            digits[i] = "0123456789abcdef"[(int)(value & (radix - 1))];
            value >>= bits;
        }

        return new string(digits);
    }

    /// <summary>An integer as Python's <c>int</c> reads it: with blanks around, a sign, a prefix and single underscores inside.</summary>
    /// <param name="text">The text.</param>
    /// <param name="radix">From 2 to 36, or 0 for what the prefix says.</param>
    public static BigInteger? Parse(string text, int radix)
    {
        var digits = Trim(text);
        if (radix is < 0 or 1 or > 36 || digits.IsEmpty || digits.Length > 4300) return null;
        var isNegative = digits[0] == '-';
        if (digits[0] is '-' or '+') digits = digits[1..];
        var prefix = digits is ['0', var letter, ..] ? char.ToLowerInvariant(letter) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 } : 0;
        if (prefix != 0 && (radix == 0 || radix == prefix))
        {
            digits = digits[2..];
            radix = prefix;
            if (digits is ['_', ..]) digits = digits[1..];
        }

        if (digits.IsEmpty) return null;
        if (radix == 0)
        {
            if (digits[0] == '0' && digits.ContainsAnyExcept('0', '_')) return null;
            radix = 10;
        }

        var value = BigInteger.Zero;
        for (var i = 0; i < digits.Length; i++)
        {
            if (digits[i] == '_')
            {
                if (i == 0 || i == digits.Length - 1 || digits[i - 1] == '_') return null;
                continue;
            }

            var digit = char.IsAsciiLetter(digits[i]) ? char.ToLowerInvariant(digits[i]) - 'a' + 10 : char.IsDigit(digits[i]) ? (int)char.GetNumericValue(digits[i]) : 99;
            if (digit >= radix) return null;
            value = value * radix + digit;
        }

        return isNegative ? -value : value;
    }

    /// <summary>A float as Python's <c>float</c> reads it.</summary>
    public static double? ParseFloat(string text)
    {
        var digits = Trim(text).ToString().ToLowerInvariant();
        var name = digits.TrimStart('-', '+');
        if (digits.Length - name.Length > 1) return null;
        if (name is "inf" or "infinity") return digits[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
        if (name == "nan") return double.NaN;
        if (digits.Length == 0 || digits.Contains("__", StringComparison.Ordinal) || !char.IsAsciiDigit(digits[^1]) && digits[^1] != '.' || digits.Any(static c => !char.IsAsciiDigit(c) && c is not ('.' or 'e' or '-' or '+' or '_'))) return null;
        for (var i = 0; i < digits.Length; i++)
            if (digits[i] == '_' && (i == 0 || i == digits.Length - 1 || !char.IsAsciiDigit(digits[i - 1]) || !char.IsAsciiDigit(digits[i + 1]))) return null;
        return double.TryParse(digits.Replace("_", "", StringComparison.Ordinal), System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out var value) ? value : null;
    }

    private static ReadOnlySpan<char> Trim(string text)
    {
        var (start, end) = (0, text.Length);
        while (start < end && Characters.IsSpace(text[start])) start++;
        while (end > start && Characters.IsSpace(text[end - 1])) end--;
        return text.AsSpan(start, end - start);
    }
}
