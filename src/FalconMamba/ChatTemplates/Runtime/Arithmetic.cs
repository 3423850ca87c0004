using System.Numerics;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Runtime;

/// <summary>Arithmetic as Python has it: integers are unbounded, and division rounds to minus infinity.</summary>
internal static class Arithmetic
{
    // A product or power beyond this is no chat.
    private const long MostBits = 1 << 18;

    /// <summary>Whether a value is a number; true and false are.</summary>
    public static bool IsNumber(object? value) => value is BigInteger or double or bool;

    /// <summary>A number with a sign.</summary>
    public static object Sign(bool isNegative, object? value)
    {
        if (value is double number) return isNegative ? -number : number;
        if (!Kinds.TryInteger(value, out var integer)) throw Fault.Unfit("a number behind a sign", value);
        return isNegative ? -integer : integer;
    }

    /// <summary>Applies an operator to two numbers.</summary>
    public static object Apply(string sign, object? left, object? right)
    {
        if (Kinds.TryInteger(left, out var a) && Kinds.TryInteger(right, out var b)) return Apply(sign, a, b);
        Kinds.TryFloat(left, out var x);
        Kinds.TryFloat(right, out var y);
        return Apply(sign, x, y);
    }

    /// <summary>Division that rounds to minus infinity.</summary>
    public static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        var quotient = BigInteger.DivRem(a, b, out var rest);
        return !rest.IsZero && rest.Sign != b.Sign ? quotient - 1 : quotient;
    }

    private static object Apply(string sign, BigInteger a, BigInteger b)
    {
        if (sign is "/" or "//" or "%" && b.IsZero) throw Fault.Runtime("a division by zero has no result");
        switch (sign)
        {
            case "+": return a + b;
            case "-": return a - b;
            case "*":
                if (a.GetBitLength() + b.GetBitLength() > MostBits) throw Fault.Limit($"a product is longer than {MostBits} bits");
                return a * b;
            case "/": return Divide(a, b);
            case "//": return FloorDivide(a, b);
            case "%": return a - FloorDivide(a, b) * b;
            default: return Power(a, b);
        }
    }

    private static object Power(BigInteger a, BigInteger b)
    {
        if (b.Sign < 0) return a.IsZero ? throw Fault.Runtime("0 has no negative power") : Apply("**", (double)a, (double)b);
        if (a.IsZero || a.IsOne) return b.IsZero ? BigInteger.One : a;
        if (b > MostBits || a.GetBitLength() * (long)b > MostBits) throw Fault.Limit($"a power is longer than {MostBits} bits");
        return BigInteger.Pow(a, (int)b);
    }

    // Correct also where one of the integers is no float.
    private static double Divide(BigInteger a, BigInteger b)
    {
        var quotient = (double)a / (double)b;
        if (double.IsFinite(quotient) && BigInteger.Abs(a).GetBitLength() <= 53 && BigInteger.Abs(b).GetBitLength() <= 53) return quotient;
        var shift = (int)(b.GetBitLength() - a.GetBitLength()) + 66;
        var scaled = shift >= 0 ? (a << shift) / b : a / (b << -shift);

        // A lost rest keeps a tie from being one.
        quotient = Math.ScaleB((double)(scaled | BigInteger.One), -shift);
        if (a.IsZero) return 0;
        return double.IsFinite(quotient) ? quotient : throw Fault.Runtime("a quotient is too large for a float");
    }

    private static double Apply(string sign, double x, double y)
    {
        if (sign is "/" or "//" or "%" && y == 0) throw Fault.Runtime("a division by zero has no result");
        switch (sign)
        {
            case "+": return x + y;
            case "-": return x - y;
            case "*": return x * y;
            case "/": return x / y;
            case "//": return FloorDivide(x, y).Quotient;
            case "%": return FloorDivide(x, y).Remainder;
            default:
                if (x == 0 && y < 0) throw Fault.Runtime("0.0 has no negative power");
                if (x < 0 && double.IsFinite(x) && double.IsFinite(y) && !double.IsInteger(y)) throw Fault.Runtime("a negative number has no such power");
                var power = Math.Pow(x, y);
                return double.IsInfinity(power) && double.IsFinite(x) && double.IsFinite(y) ? throw Fault.Runtime("a power is too large for a float") : power;
        }
    }

    private static (double Quotient, double Remainder) FloorDivide(double x, double y)
    {
        var rest = x % y;
        var quotient = (x - rest) / y;
        if (rest == 0)
        {
            rest = Math.CopySign(0, y);
        }
        else if (rest < 0 != y < 0)
        {
            rest += y;
            quotient -= 1;
        }

        if (quotient == 0) return (Math.CopySign(0, x / y), rest);
        var floor = Math.Floor(quotient);
        return (quotient - floor > 0.5 ? floor + 1 : floor, rest);
    }
}
