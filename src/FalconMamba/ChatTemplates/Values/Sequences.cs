using System.Numerics;
using FalconMamba.ChatTemplates.Runtime;

namespace FalconMamba.ChatTemplates.Values;

/// <summary>What can be gone through, counted and cut.</summary>
internal static class Sequences
{
    /// <summary>Goes through a value's items; null where it has none.</summary>
    public static IEnumerable<object?>? TryItems(object? value) => value switch
    {
        ListValue list => list.Items,
        TupleValue tuple => tuple.Items,
        DictValue dict => dict.Items.Select(static item => item.Key),
        DictView view => view.Items,
        RangeValue range => range.Items,
        Text text => text.Characters(),
        GeneratorValue generator => generator.Rest(),
        BytesValue bytes => bytes.Bytes.Select(static value => (object?)new BigInteger(value)),
        Undefined => [],
        Loop loop => loop.Rest(),
        _ => null,
    };

    /// <summary>Goes through a value's items.</summary>
    /// <exception cref="Fault">It has none.</exception>
    public static IEnumerable<object?> Items(object? value) =>
        TryItems(value) ?? throw Fault.Runtime($"a {Kinds.Of(value)} has no items to go through");

    /// <summary>All items, counted against the budget.</summary>
    public static List<object?> ToList(object? value)
    {
        var list = new List<object?>();
        foreach (var item in Items(value))
        {
            Budget.Current.Step();
            list.Add(item);
        }

        return list;
    }

    /// <summary>The number of items; null where a value has no length.</summary>
    public static int? TryLength(object? value) => value switch
    {
        Text text => text.Length,
        ListValue list => list.Items.Count,
        TupleValue tuple => tuple.Items.Length,
        DictValue dict => dict.Count,
        DictView view => view.Dict.Count,
        RangeValue range => range.Count,
        BytesValue bytes => bytes.Bytes.Length,
        Undefined => 0,
        Loop loop => loop.Length,
        _ => null,
    };

    /// <summary>The number of items.</summary>
    public static int Length(object? value) => TryLength(value) ?? throw Fault.Runtime($"a {Kinds.Of(value)} has no length");

    /// <summary>The items from last to first; null where a value cannot be gone through backwards.</summary>
    public static IEnumerable<object?>? TryReversed(object? value) => value switch
    {
        Text or BytesValue or TupleValue or ListValue or RangeValue or DictValue or DictView => ToList(value).AsEnumerable().Reverse(),
        _ => null,
    };

    /// <summary>Whether a container holds a value.</summary>
    public static bool Contains(object? container, object? value)
    {
        switch (container)
        {
            case Text text:
                if (value is not Text part) throw Fault.Expected("a string to look for in a string", value);
                Budget.Current.Step(text.Value.Length >> 6);
                return text.Value.Contains(part.Value, StringComparison.Ordinal);
            case DictValue dict: return dict.TryGet(value, out _);
            case DictView { TypeName: "dict_keys" } view: return view.Dict.TryGet(value, out _);
            case RangeValue range when Kinds.TryInteger(value, out var number):
                return range.Count > 0 && (number - range.Start) % range.Step == 0 && (number - range.Start) / range.Step is var place && place.Sign >= 0 && place < range.Count;
            default: return Items(container).Any(item => ReferenceEquals(item, value) || Comparison.AreEqual(item, value));
        }
    }

    /// <summary>One item by its index, from the end where it is negative; false where the index is outside.</summary>
    public static bool TryItem(object? sequence, BigInteger index, out object? item)
    {
        item = null;
        var length = Length(sequence);
        if (index.Sign < 0) index += length;
        if (index.Sign < 0 || index >= length) return false;
        var place = (int)index;
        item = sequence switch
        {
            Text text => text.At(place),
            ListValue list => list.Items[place],
            TupleValue tuple => tuple.Items[place],
            RangeValue range => range.Start + place * range.Step,
            BytesValue bytes => new BigInteger(bytes.Bytes[place]),
            _ => null,
        };
        return true;
    }

    /// <summary>A part of a sequence.</summary>
    public static object? Slice(object? sequence, SliceValue slice)
    {
        if (sequence is Undefined undefined) throw undefined.Fault;
        if (sequence is not (Text or ListValue or TupleValue or RangeValue or BytesValue)) throw Fault.Runtime($"a {Kinds.Of(sequence)} cannot be cut into slices");
        var places = Places(slice, Length(sequence));
        Budget.Current.Step(places.Count >> 4);
        switch (sequence)
        {
            case Text text when places.Step == 1:
                var start = text.OffsetOf(places.Start);
                return text.Cut(start, text.OffsetOf(places.Start + places.Count) - start);
            case Text text:
                var characters = text.Characters().ToArray();
                return TextBuilder.Join(Text.Empty, Each().Select(place => characters[place])).WithMarkup(text.IsMarkup);
            case ListValue list: return new ListValue([.. Each().Select(place => list.Items[place])]);
            case TupleValue tuple: return new TupleValue([.. Each().Select(place => tuple.Items[place])]);
            case RangeValue range: return new RangeValue(range.Start + places.Start * range.Step, range.Start + (places.Start + places.Count * places.Step) * range.Step, range.Step * places.Step);
            default: return new BytesValue([.. Each().Select(place => ((BytesValue)sequence).Bytes[place])]);
        }

        IEnumerable<int> Each() => Enumerable.Range(0, places.Count).Select(i => (int)(places.Start + (long)i * places.Step));
    }

    // Python's rules for indices that are missing, negative or outside.
    private static (int Start, int Count, long Step) Places(SliceValue slice, int length)
    {
        var step = slice.Step is null ? 1L : Kinds.ToInt(slice.Step);
        if (step == 0) throw Fault.Runtime("a slice needs a step other than 0");
        var (low, high) = step > 0 ? (0, length) : (-1, length - 1);
        var start = Place(slice.Start, step > 0 ? low : high);
        var stop = Place(slice.Stop, step > 0 ? high : low);
        var count = step > 0 ? (stop - start + step - 1) / step : (start - stop - step - 1) / -step;
        return (start, (int)Math.Max(0, count), step);

        int Place(object? given, int missing)
        {
            if (given is null) return missing;
            var place = (long)Kinds.ToInt(given);
            return (int)Math.Clamp(place < 0 ? place + length : place, low, high);
        }
    }
}
