using System.Numerics;
using FalconMamba.ChatTemplates.Runtime;

namespace FalconMamba.ChatTemplates.Values;

/// <summary>A list.</summary>
internal sealed class ListValue
{
    /// <summary>A list of items, which it keeps.</summary>
    public ListValue(List<object?> items)
    {
        Budget.Current.BuildItems(items.Count);
        Items = items;
    }

    /// <summary>The items.</summary>
    public List<object?> Items { get; }
}

/// <summary>A tuple; with names it is one of the groups that <c>groupby</c> gives.</summary>
internal sealed class TupleValue
{
    /// <summary>A tuple of items, which it keeps.</summary>
    public TupleValue(params object?[] items)
    {
        Budget.Current.BuildItems(items.Length);
        Items = items;
    }

    /// <summary>The items.</summary>
    public object?[] Items { get; }

    /// <summary>The items' names, if they have any.</summary>
    public string[] Names { get; init; } = [];
}

/// <summary>A key of a dict: None may be one.</summary>
internal readonly record struct DictKey(object? Value);

/// <summary>A dict in the order of its keys' arrival.</summary>
internal sealed class DictValue
{
    private readonly OrderedDictionary<DictKey, object?> _items = new(KeyComparer.Instance);

    /// <summary>The number of keys.</summary>
    public int Count => _items.Count;

    /// <summary>The keys and values.</summary>
    public IEnumerable<(object? Key, object? Value)> Items => _items.Select(static item => (item.Key.Value, item.Value));

    /// <summary>The value of a key.</summary>
    public bool TryGet(object? key, out object? value) => _items.TryGetValue(new DictKey(key), out value);

    /// <summary>Adds or replaces a value.</summary>
    public DictValue Set(object? key, object? value)
    {
        Budget.Current.BuildItems(2);
        _items[new DictKey(key)] = value;
        return this;
    }

    /// <summary>Takes over the items of another dict.</summary>
    public DictValue SetAll(DictValue other)
    {
        foreach (var (key, value) in other.Items) Set(key, value);
        return this;
    }

    private sealed class KeyComparer : IEqualityComparer<DictKey>
    {
        public static readonly KeyComparer Instance = new();

        public bool Equals(DictKey x, DictKey y) => Comparison.AreEqual(x.Value, y.Value);

        public int GetHashCode(DictKey key) => Comparison.HashOf(key.Value);
    }
}

/// <summary>What <c>keys()</c>, <c>values()</c> and <c>items()</c> give.</summary>
internal sealed record DictView(DictValue Dict, string TypeName)
{
    /// <summary>The view's items.</summary>
    public IEnumerable<object?> Items => Dict.Items.Select(item => TypeName switch
    {
        "dict_keys" => item.Key,
        "dict_values" => item.Value,
        _ => new TupleValue(item.Key, item.Value),
    });
}

/// <summary>What <c>range</c> gives.</summary>
internal sealed record RangeValue(BigInteger Start, BigInteger Stop, BigInteger Step)
{
    private const int MostItems = 100_000;

    /// <summary>The number of items.</summary>
    public int Count { get; } = CountItems(Start, Stop, Step);

    /// <summary>The items.</summary>
    public IEnumerable<object?> Items => Enumerable.Range(0, Count).Select(i => (object?)(Start + i * Step));

    private static int CountItems(BigInteger start, BigInteger stop, BigInteger step)
    {
        if (step.IsZero) throw Fault.Runtime("a range needs a step other than 0");
        var count = step.Sign > 0 ? (stop - start + step - 1) / step : (start - stop - step - 1) / -step;
        if (count > MostItems) throw Fault.Runtime($"the range is longer than {MostItems}");
        return count.Sign > 0 ? (int)count : 0;
    }
}

/// <summary>Items that are made as they are asked for, once.</summary>
internal sealed class GeneratorValue(IEnumerable<object?> items)
{
    private readonly IEnumerator<object?> _items = items.GetEnumerator();

    /// <summary>The items that are left.</summary>
    public IEnumerable<object?> Rest()
    {
        while (true)
        {
            // Generators read from generators, to any depth.
            Budget.EnsureStack();
            if (!_items.MoveNext()) yield break;
            yield return _items.Current;
        }
    }
}

/// <summary>Bytes.</summary>
internal sealed record BytesValue(byte[] Bytes);

/// <summary>A part of a sequence as <c>[start:stop:step]</c> writes it.</summary>
internal sealed record SliceValue(object? Start, object? Stop, object? Step);

/// <summary>A namespace: the one thing whose attributes a template may set.</summary>
internal sealed class NamespaceValue(DictValue attributes)
{
    /// <summary>Its attributes.</summary>
    public DictValue Attributes => attributes;
}
