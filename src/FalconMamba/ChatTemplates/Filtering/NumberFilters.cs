using System.Numerics;
using FalconMamba.ChatTemplates.Formatting;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Filtering;

/// <summary>Filters that give numbers or take them.</summary>
internal static class NumberFilters
{
    /// <summary><c>abs</c>.</summary>
    public static object Abs(object? value, Arguments arguments)
    {
        arguments.Bind("abs");
        if (value is double number) return Math.Abs(number);
        return Kinds.TryInteger(value, out var integer) ? BigInteger.Abs(integer) : throw Fault.Runtime($"a {Kinds.Of(value)} has no absolute value");
    }

    /// <summary><c>int</c>: what cannot be one is the default.</summary>
    public static object? Int(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("int", "default?", "base?");
        if (value is Undefined undefined) throw undefined.Fault;
        if (Kinds.TryInteger(value, out var integer)) return integer;
        if (value is Text text && Radix.Parse(text.Value, bound.Int(1, 10)) is { } parsed) return parsed;
        var number = value is Text digits ? Radix.ParseFloat(digits.Value) : value as double?;
        return number is { } real && double.IsFinite(real) ? new BigInteger(real) : bound.Or(0, BigInteger.Zero);
    }

    /// <summary><c>float</c>: what cannot be one is the default.</summary>
    public static object? Float(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("float", "default?");
        if (value is Undefined undefined) throw undefined.Fault;
        if (Kinds.TryFloat(value, out var number)) return number;
        return value is Text text && Radix.ParseFloat(text.Value) is { } parsed ? parsed : bound.Or(0, 0.0);
    }

    /// <summary><c>round</c>.</summary>
    public static object Round(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("round", "precision?", "method?");
        var digits = bound.Int(0, 0);
        var method = bound.Text(1, "common").Value;
        if (method is not ("common" or "ceil" or "floor")) throw Fault.Runtime("round goes by \"common\", \"ceil\" or \"floor\"");
        if (!Arithmetic.IsNumber(value)) throw Fault.Expected("a number to round", value);
        if (method != "common") return RoundTo(value, digits, method);
        if (value is double number) return NumberFormat.Round(number, digits);
        Kinds.TryInteger(value, out var integer);
        if (digits >= 0) return integer;
        if (-digits > 5000) return BigInteger.Zero;
        var unit = BigInteger.Pow(10, -digits);
        return NumberFormat.DivideHalfEven(integer, unit) * unit;
    }

    /// <summary><c>sum</c>.</summary>
    public static object? Sum(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("sum", "attribute?", "start?");
        var path = AttributePath.Parse(bound[0]);
        var sum = bound.Or(1, BigInteger.Zero);
        if (sum is Text) throw Fault.Runtime("texts are joined, not added up");
        foreach (var item in Sequences.Items(value))
        {
            Budget.Current.Step();
            sum = Operators.Apply("+", sum, path.Of(item));
        }

        return sum;
    }

    /// <summary><c>filesizeformat</c>.</summary>
    public static Text FileSize(object? value, Arguments arguments)
    {
        var isBinary = arguments.Bind("filesizeformat", "binary?").Flag(0);
        var given = value is Text text ? Radix.ParseFloat(text.Value) : null;
        if (given is null && !Kinds.TryFloat(value, out _)) throw Fault.Unfit("a number of bytes", value);
        var bytes = given ?? (Kinds.TryFloat(value, out var number) ? number : 0);
        var factor = isBinary ? 1024.0 : 1000.0;
        if (bytes == 1) return Text.Trusted("1 Byte");
        if (bytes < factor) return Text.Trusted($"{Representation.Integer(new BigInteger(bytes))} Bytes");
        string[] units = isBinary ? ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] : ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
        var place = 0;
        var unit = factor * factor;
        for (; place < units.Length - 1 && !(bytes < unit); place++) unit *= factor;
        return Text.Trusted($"{NumberFormat.Fixed(factor * bytes / unit, 1)} {units[place]}");
    }

    private static object RoundTo(object? value, int digits, string method)
    {
        if (Math.Abs((long)digits) > 300) throw Fault.Limit("a number was to be rounded to more than 300 digits");
        var unit = digits >= 0 ? BigInteger.Pow(10, digits) : (object)Math.Pow(10, digits);
        var scaled = Arithmetic.Apply("*", value, unit);
        if (scaled is double number)
        {
            if (!double.IsFinite(number)) throw Fault.Runtime("a number is too large to be rounded so");
            scaled = new BigInteger(method == "ceil" ? Math.Ceiling(number) : Math.Floor(number));
        }

        return Arithmetic.Apply("/", scaled, unit);
    }
}
