using System.Numerics;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Filtering;

/// <summary>Filters that choose, change and arrange items.</summary>
internal static class SequenceFilters
{
    /// <summary><c>first</c>.</summary>
    public static object? First(object? value)
    {
        foreach (var item in Sequences.Items(value)) return item;
        return new Undefined("no first item, the sequence is empty");
    }

    /// <summary><c>last</c>.</summary>
    public static object? Last(object? value)
    {
        if (value is Undefined) return new Undefined("no last item, the sequence is empty");
        foreach (var item in Sequences.TryReversed(value) ?? throw Fault.Runtime($"a {Kinds.Of(value)} has no last item")) return item;
        return new Undefined("no last item, the sequence is empty");
    }

    /// <summary><c>random</c>: the first item, which is as random as any, so that a conversation reads the same each time.</summary>
    public static object? Any(object? value)
    {
        if (Sequences.Length(value) == 0) return new Undefined("no random item, the sequence is empty");
        return Attributes.Item(value, BigInteger.Zero) is var item and not Undefined ? item : throw Fault.Runtime($"a {Kinds.Of(value)} has no random item");
    }

    /// <summary><c>reverse</c>.</summary>
    public static object Reverse(object? value)
    {
        if (value is Text text) return TextBuilder.Join(Text.Empty, text.Characters().Reverse()).WithMarkup(text.IsMarkup);
        if (Sequences.TryReversed(value) is { } reversed) return new GeneratorValue(reversed);
        var items = Sequences.ToList(value);
        items.Reverse();
        return new ListValue(items);
    }

    /// <summary><c>items</c>.</summary>
    public static GeneratorValue Pairs(object? value) => new(EachPair(value));

    /// <summary><c>map</c>: a filter, or an attribute, of each item.</summary>
    public static GeneratorValue Map(Evaluator evaluator, object? value, Arguments arguments) => new(EachMapped(evaluator, value, arguments));

    /// <summary><c>select</c>, <c>reject</c>, <c>selectattr</c> and <c>rejectattr</c>.</summary>
    public static GeneratorValue Select(object? value, Arguments arguments, bool wants, bool byAttribute) => new(EachSelected(value, arguments, wants, byAttribute));

    /// <summary><c>batch</c>: lists of some items each.</summary>
    public static GeneratorValue Batch(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("batch", "linecount", "fill_with?");
        return new GeneratorValue(EachBatch(value, Kinds.ToInt(bound[0]), bound[1]));
    }

    /// <summary><c>slice</c>: some lists of nearly equal length.</summary>
    public static GeneratorValue Slice(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("slice", "slices", "fill_with?");
        return new GeneratorValue(EachSlice(value, Kinds.ToInt(bound[0]), bound[1]));
    }

    private static IEnumerable<object?> EachPair(object? value)
    {
        if (value is Undefined) yield break;
        if (value is not DictValue dict) throw Fault.Expected("a dict to get pairs from", value);
        foreach (var (key, item) in dict.Items) yield return new TupleValue(key, item);
    }

    private static IEnumerable<object?> EachMapped(Evaluator evaluator, object? value, Arguments arguments)
    {
        if (!Kinds.IsTrue(value)) yield break;
        var map = Mapping(evaluator, arguments);
        foreach (var item in Sequences.Items(value))
        {
            Budget.Current.Step();
            yield return map(item);
        }
    }

    private static Func<object?, object?> Mapping(Evaluator evaluator, Arguments arguments)
    {
        if (arguments.Positional.Count == 0 && arguments.Named.Exists(static argument => argument.Name == "attribute"))
        {
            var bound = arguments.Bind("map", "attribute", "default?");
            return AttributePath.Parse(bound[0], bound[1]).Of;
        }

        if (arguments.Positional.Count == 0) throw Fault.Runtime("map needs the name of a filter");
        var name = Kinds.ToText(arguments.Positional[0]).Value;
        var rest = new Arguments(arguments.Positional[1..], arguments.Named);
        return item => Filters.Apply(evaluator, name, item, rest);
    }

    private static IEnumerable<object?> EachSelected(object? value, Arguments arguments, bool wants, bool byAttribute)
    {
        if (!Kinds.IsTrue(value)) yield break;
        var place = byAttribute ? 1 : 0;
        if (arguments.Positional.Count < place) throw Fault.Runtime("the name of an attribute is missing");
        var path = AttributePath.Parse(byAttribute ? arguments.Positional[0] : null);
        var test = arguments.Positional.Count > place ? Kinds.ToText(arguments.Positional[place]).Value : null;
        var rest = test is null ? arguments : new Arguments(arguments.Positional[(place + 1)..], arguments.Named);
        foreach (var item in Sequences.Items(value))
        {
            Budget.Current.Step();
            var key = path.Of(item);
            if ((test is null ? Kinds.IsTrue(key) : Tests.Check(test, key, rest)) == wants) yield return item;
        }
    }

    private static IEnumerable<object?> EachBatch(object? value, int size, object? fill)
    {
        var batch = new List<object?>();
        foreach (var item in Sequences.Items(value))
        {
            Budget.Current.Step();
            if (batch.Count == size)
            {
                yield return new ListValue(batch);
                batch = [];
            }

            batch.Add(item);
        }

        if (batch.Count == 0) yield break;
        if (fill is not null && batch.Count < size)
        {
            Budget.Current.BuildItems(size);
            batch.AddRange(Enumerable.Repeat(fill, size - batch.Count));
        }

        yield return new ListValue(batch);
    }

    private static IEnumerable<object?> EachSlice(object? value, int slices, object? fill)
    {
        var items = Sequences.ToList(value);
        if (slices == 0) throw Fault.Runtime("slice needs at least one slice");
        var start = 0;
        for (var i = 0; i < slices; i++)
        {
            Budget.Current.Step();
            var isLong = i < items.Count % slices;
            var size = items.Count / slices + (isLong ? 1 : 0);
            var slice = items.GetRange(start, size);
            if (fill is not null && !isLong) slice.Add(fill);
            yield return new ListValue(slice);
            start += size;
        }
    }
}
