using System.Numerics;
using FalconMamba.ChatTemplates.Runtime;

namespace FalconMamba.ChatTemplates.Values;

/// <summary>What kinds of values there are. None is null; integers are <see cref="BigInteger"/>; the rest are bool, double and the types here.</summary>
internal static class Kinds
{
    /// <summary>Python's name of a value's type.</summary>
    public static string Of(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        BigInteger => "int",
        double => "float",
        Text { IsMarkup: true } => "Markup",
        Text => "str",
        ListValue => "list",
        TupleValue => "tuple",
        DictValue => "dict",
        RangeValue => "range",
        BytesValue => "bytes",
        DictView view => view.TypeName,
        Undefined => "Undefined",
        GeneratorValue => "generator",
        NamespaceValue => "Namespace",
        Macro => "Macro",
        SliceValue => "slice",
        _ => "function",
    };

    /// <summary>A number as an integer where it is one; true and false are 1 and 0.</summary>
    public static bool TryInteger(object? value, out BigInteger number)
    {
        number = value switch { BigInteger integer => integer, true => BigInteger.One, _ => BigInteger.Zero };
        return value is BigInteger or bool;
    }

    /// <summary>An integer that fits a machine word, cut to its range.</summary>
    public static int ToInt(object? value)
    {
        if (!TryInteger(value, out var number)) throw Fault.Expected("an integer", value);
        return (int)BigInteger.Max(int.MinValue, BigInteger.Min(int.MaxValue, number));
    }

    /// <summary>A number as a float.</summary>
    public static bool TryFloat(object? value, out double number)
    {
        if (value is double given)
        {
            number = given;
            return true;
        }

        if (!TryInteger(value, out var integer))
        {
            number = 0;
            return false;
        }

        number = (double)integer;
        return double.IsFinite(number) ? true : throw Fault.Runtime("an integer is too large for a float");
    }

    /// <summary>Python's truth.</summary>
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        BigInteger number => !number.IsZero,
        double number => number != 0,
        Text text => text.Value.Length > 0,
        ListValue list => list.Items.Count > 0,
        TupleValue tuple => tuple.Items.Length > 0,
        DictValue dict => dict.Count > 0,
        DictView view => view.Dict.Count > 0,
        RangeValue range => range.Count > 0,
        BytesValue bytes => bytes.Bytes.Length > 0,
        _ => true,
    };

    /// <summary>A string.</summary>
    public static Text ToText(object? value) => value as Text ?? throw Fault.Expected("a string", value);
}
