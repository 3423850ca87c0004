using System.Numerics;
using FalconMamba.ChatTemplates.Formatting;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Runtime;

/// <summary>Operators between values of any kind.</summary>
internal static class Operators
{
    /// <summary>Applies an operator of arithmetic.</summary>
    /// <exception cref="Fault">It is not defined between the values.</exception>
    public static object? Apply(string sign, object? left, object? right)
    {
        if (Arithmetic.IsNumber(left) && Arithmetic.IsNumber(right)) return Arithmetic.Apply(sign, left, right);
        return (sign, left, right) switch
        {
            ("%", Text format, _) => PercentFormat.Apply(format, right),
            ("+", Text a, Text b) => Markup.Add(a, b),
            ("+", ListValue a, ListValue b) => new ListValue([.. a.Items, .. b.Items]),
            ("+", TupleValue a, TupleValue b) => new TupleValue([.. a.Items, .. b.Items]),
            ("+", BytesValue a, BytesValue b) => new BytesValue([.. a.Bytes, .. b.Bytes]),
            ("*", Text or ListValue or TupleValue, BigInteger or bool) => Repeat(left, right),
            ("*", BigInteger or bool, Text or ListValue or TupleValue) => Repeat(right, left),
            _ => throw Fault.Unsupported($"\"{sign}\"", left, right),
        };
    }

    /// <summary>Compares two values.</summary>
    /// <exception cref="Fault">They have no order.</exception>
    public static bool Compare(string sign, object? left, object? right) => sign switch
    {
        "==" => Comparison.AreEqual(left, right),
        "!=" => !Comparison.AreEqual(left, right),
        "<" => Comparison.Order(left, right) < 0,
        "<=" => Comparison.Order(left, right) <= 0,
        ">" => Comparison.Order(left, right) > 0,
        ">=" => Comparison.Order(left, right) >= 0,
        "in" => Sequences.Contains(right, left),
        _ => !Sequences.Contains(right, left),
    };

    private static object Repeat(object? sequence, object? times)
    {
        var count = Math.Max(0, Kinds.ToInt(times));
        if (sequence is Text text) return new TextBuilder().Repeat(text, count).ToText().WithMarkup(text.IsMarkup);
        var items = Sequences.ToList(sequence);
        Budget.Current.BuildItems((long)items.Count * count);
        var repeated = items.Count == 0 ? [] : Enumerable.Repeat(items, count).SelectMany(static list => list);
        return sequence is ListValue ? new ListValue([.. repeated]) : new TupleValue([.. repeated]);
    }
}
