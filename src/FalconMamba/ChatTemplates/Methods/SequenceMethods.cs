using System.Numerics;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Methods;

/// <summary>The methods of lists, tuples and ranges that change nothing.</summary>
internal static class SequenceMethods
{
    /// <summary>A method or an attribute by its name.</summary>
    public static bool TryAttribute(object sequence, string name, out object? value)
    {
        value = (sequence, name) switch
        {
            (TupleValue tuple, _) when Array.IndexOf(tuple.Names, name) is >= 0 and var place => tuple.Items[place],
            (_, "count") => new Function(name, arguments => Count(sequence, arguments.Bind("count", "/value")[0])),
            (_, "index") => new Function(name, arguments => Index(sequence, arguments.Bind("index", "/value", "/start?", "/stop?"))),
            (ListValue list, "copy") => new Function(name, _ => new ListValue([.. list.Items])),
            (RangeValue range, "start") => range.Start,
            (RangeValue range, "stop") => range.Stop,
            (RangeValue range, "step") => range.Step,
            _ => BoundArguments.Missing,
        };
        return value != BoundArguments.Missing;
    }

    private static BigInteger Count(object sequence, object? value) => Sequences.Items(sequence).Count(item => Comparison.AreEqual(item, value));

    private static BigInteger Index(object sequence, BoundArguments bound)
    {
        var items = Sequences.ToList(sequence);
        var end = Place(bound.Int(2, items.Count));
        for (var i = Place(bound.Int(1, 0)); i < end; i++) if (Comparison.AreEqual(items[i], bound[0])) return i;
        throw Fault.Runtime("index did not find the value it looked for");

        int Place(int given) => Math.Clamp(given < 0 ? given + items.Count : given, 0, items.Count);
    }
}
