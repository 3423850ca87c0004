using System.Globalization;
using System.Numerics;
using FalconMamba.ChatTemplates.Runtime;

namespace FalconMamba.ChatTemplates.Formatting;

/// <summary>Floats in decimal, rounded exactly and half to even, as C's printf does it.</summary>
internal static class NumberFormat
{
    // More digits than any float has.
    private const int MostDigits = 1 << 20;

    /// <summary>A number with some digits behind the point.</summary>
    public static string Fixed(double value, int digits)
    {
        if (Special(value) is { } special) return special;
        CheckDigits(digits);
        var text = Scaled(Math.Abs(value), digits).ToString(CultureInfo.InvariantCulture).PadLeft(digits + 1, '0');
        return $"{Minus(value)}{text[..^digits]}{(digits > 0 ? "." : "")}{text[^digits..]}";
    }

    /// <summary>A number with an exponent.</summary>
    public static string Exponential(double value, int digits)
    {
        if (Special(value) is { } special) return special;
        CheckDigits(digits);
        var (text, exponent) = Significant(Math.Abs(value), digits + 1);
        return string.Create(CultureInfo.InvariantCulture, $"{Minus(value)}{text[0]}{(digits > 0 ? "." : "")}{text[1..]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
    }

    /// <summary>A number with some digits in all, and an exponent if it is very large or small.</summary>
    public static string General(double value, int digits, bool keepsZeros = false)
    {
        if (Special(value) is { } special) return special;
        digits = Math.Max(1, digits);
        CheckDigits(digits);
        var exponent = Significant(Math.Abs(value), digits).Exponent;
        var text = exponent >= -4 && exponent < digits ? Fixed(value, digits - 1 - exponent) : Exponential(value, digits - 1);
        if (keepsZeros || !text.Contains('.')) return text;
        var end = text.IndexOf('e', StringComparison.Ordinal) is >= 0 and var place ? place : text.Length;
        return text[..end].TrimEnd('0').TrimEnd('.') + text[end..];
    }

    /// <summary>A float rounded to some digits behind the point.</summary>
    public static double Round(double value, int digits)
    {
        if (!double.IsFinite(value) || digits > 330) return value;
        if (digits < -310) return Math.CopySign(0, value);
        if (digits >= 0) return double.Parse(Fixed(value, digits), CultureInfo.InvariantCulture);
        var rounded = (double)(Scaled(Math.Abs(value), digits) * BigInteger.Pow(10, -digits));
        return double.IsFinite(rounded) ? Math.CopySign(rounded, value) : throw Fault.Runtime("a rounded number is too large for a float");
    }

    /// <summary>An integer divided, half to even.</summary>
    public static BigInteger DivideHalfEven(BigInteger number, BigInteger divisor)
    {
        var quotient = BigInteger.DivRem(number, divisor, out var rest);
        var order = (BigInteger.Abs(rest) * 2).CompareTo(divisor);
        return order > 0 || (order == 0 && !quotient.IsEven) ? quotient + (number.Sign < 0 ? -1 : 1) : quotient;
    }

    private static string Minus(double value) => double.IsNegative(value) ? "-" : "";

    private static string? Special(double value) => double.IsNaN(value) ? "nan" : double.IsInfinity(value) ? $"{Minus(value)}inf" : null;

    private static void CheckDigits(int digits)
    {
        if (digits > MostDigits) throw Fault.Limit($"a number was to have more than {MostDigits} digits");
        Budget.Current.Build(digits);
    }

    // value · 10^digits as an integer.
    private static BigInteger Scaled(double value, int digits)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)(bits >> 52 & 0x7FF);
        var mantissa = new BigInteger(bits & 0xFFFFFFFFFFFFF | (exponent == 0 ? 0 : 1L << 52));
        exponent = Math.Max(exponent, 1) - 1075;
        var divisor = BigInteger.One;
        if (digits >= 0) mantissa *= BigInteger.Pow(10, digits);
        else divisor = BigInteger.Pow(10, -digits);
        if (exponent >= 0) mantissa <<= exponent;
        else divisor <<= -exponent;
        return DivideHalfEven(mantissa, divisor);
    }

    private static (string Digits, int Exponent) Significant(double value, int digits)
    {
        if (value == 0) return (new string('0', digits), 0);
        var exponent = (int)Math.Floor(Math.Log10(value));
        while (true)
        {
            var text = Scaled(value, digits - 1 - exponent).ToString(CultureInfo.InvariantCulture);
            if (text.Length == digits) return (text, exponent);
            exponent += text.Length > digits ? 1 : -1;
        }
    }
}
