using System.Numerics;
using System.Runtime.CompilerServices;
using FalconMamba.ChatTemplates.Runtime;

namespace FalconMamba.ChatTemplates.Values;

/// <summary>Equality, order and hashes as Python has them.</summary>
internal static class Comparison
{
    /// <summary>Whether two values are equal: 1 equals 1.0 and True.</summary>
    public static bool AreEqual(object? left, object? right)
    {
        Budget.Current.Step();
        Budget.EnsureStack();
        switch (left, right)
        {
            case (Text a, Text b):
                Budget.Current.Step(Math.Min(a.Value.Length, b.Value.Length) >> 6);
                return a.Value == b.Value;
            case (double a, double b): return a == b;
            case (null, null) or (Undefined, Undefined): return true;
            case (ListValue a, ListValue b): return AreEqual(a.Items, b.Items);
            case (TupleValue a, TupleValue b): return AreEqual(a.Items, b.Items);
            case (DictValue a, DictValue b):
                return a.Count == b.Count && a.Items.All(item => b.TryGet(item.Key, out var other) && AreEqual(item.Value, other));
            case (RangeValue a, RangeValue b): return Shape(a) == Shape(b);
            case (BytesValue a, BytesValue b):
                Budget.Current.Step(Math.Min(a.Bytes.Length, b.Bytes.Length) >> 6);
                return a.Bytes.AsSpan().SequenceEqual(b.Bytes);
            case (DictView { TypeName: not "dict_values" } a, DictView { TypeName: not "dict_values" } b):
                return a.Dict.Count == b.Dict.Count && a.Items.All(item => b.Items.Any(other => AreEqual(item, other)));
        }

        if (Kinds.TryInteger(left, out var x))
        {
            if (Kinds.TryInteger(right, out var y)) return x == y;
            return right is double d && double.IsInteger(d) && new BigInteger(d) == x;
        }

        return left is double ? Kinds.TryInteger(right, out _) && AreEqual(right, left) : ReferenceEquals(left, right);
    }

    /// <summary>The order of two values.</summary>
    /// <returns>Negative, zero or positive; null where a float is no number.</returns>
    /// <exception cref="Fault">The values have no order.</exception>
    public static int? Order(object? left, object? right)
    {
        Budget.Current.Step();
        Budget.EnsureStack();
        switch (left, right)
        {
            case (Text a, Text b): return Text.Compare(a.Value, b.Value);
            case (ListValue a, ListValue b): return Order(a.Items, b.Items);
            case (TupleValue a, TupleValue b): return Order(a.Items, b.Items);
        }

        if (Kinds.TryInteger(left, out var x) && Kinds.TryInteger(right, out var y)) return x.CompareTo(y);
        if (IsNumber(left) && IsNumber(right)) return OrderNumbers(left, right);
        throw Fault.Unsupported("an order", left, right);
    }

    /// <summary>A hash that equal values share.</summary>
    /// <exception cref="Fault">The value may change and has none.</exception>
    public static int HashOf(object? value)
    {
        Budget.Current.Step();
        Budget.EnsureStack();
        switch (value)
        {
            case null: return 0;
            case Text text:
                Budget.Current.Step(text.Value.Length >> 6);
                return text.Value.GetHashCode(StringComparison.Ordinal);
            case double number when !double.IsInteger(number): return number.GetHashCode();
            case double number: return new BigInteger(number).GetHashCode();
            case bool flag: return flag ? BigInteger.One.GetHashCode() : BigInteger.Zero.GetHashCode();
            case BigInteger number: return number.GetHashCode();
            case TupleValue tuple:
                var hash = default(HashCode);
                foreach (var item in tuple.Items) hash.Add(HashOf(item));
                return hash.ToHashCode();
            case Undefined: return 1;
            case RangeValue range: return Shape(range).GetHashCode();
            case BytesValue bytes:
                Budget.Current.Step(bytes.Bytes.Length >> 6);
                var sum = default(HashCode);
                sum.AddBytes(bytes.Bytes);
                return sum.ToHashCode();
            case ListValue or DictValue or DictView or SliceValue: throw Fault.Runtime($"a {Kinds.Of(value)} cannot be a key");
            default: return RuntimeHelpers.GetHashCode(value);
        }
    }

    /// <summary>Sorts stably.</summary>
    public static List<object?> Sort(IEnumerable<object?> items, Func<object?, object?> key, bool reverse = false)
    {
        // Python sorts by "less than" alone; so does this.
        var comparer = Comparer<object?>.Create(static (a, b) => Order(a, b) ?? 0);
        try
        {
            var keyed = items.Select(item => (Item: item, Key: key(item)));
            return [.. (reverse ? keyed.OrderByDescending(static pair => pair.Key, comparer) : keyed.OrderBy(static pair => pair.Key, comparer)).Select(static pair => pair.Item)];
        }
        catch (InvalidOperationException e) when (e.InnerException is Fault fault)
        {
            throw fault;
        }
        catch (ArgumentException)
        {
            throw Fault.Runtime("what is sorted has no order, as some of it is no number");
        }
    }

    // What ranges of the same items share: an empty one has no start, one of a single item no step.
    private static (int Count, BigInteger? Start, BigInteger? Step) Shape(RangeValue range) =>
        (range.Count, range.Count > 0 ? range.Start : null, range.Count > 1 ? range.Step : null);

    private static bool AreEqual(IReadOnlyList<object?> left, IReadOnlyList<object?> right)
    {
        if (left.Count != right.Count) return false;
        for (var i = 0; i < left.Count; i++) if (!ReferenceEquals(left[i], right[i]) && !AreEqual(left[i], right[i])) return false;
        return true;
    }

    private static int? Order(IReadOnlyList<object?> left, IReadOnlyList<object?> right)
    {
        for (var i = 0; i < Math.Min(left.Count, right.Count); i++)
            if (!AreEqual(left[i], right[i])) return Order(left[i], right[i]);
        return left.Count.CompareTo(right.Count);
    }

    private static bool IsNumber(object? value) => value is double or bool or BigInteger;

    private static int? OrderNumbers(object? left, object? right)
    {
        if (left is double.NaN || right is double.NaN) return null;
        if (left is double a && right is double b) return a.CompareTo(b);
        if (left is double f)
        {
            Kinds.TryInteger(right, out var integer);
            return double.IsInfinity(f) ? Math.Sign(f) : OrderFloat(f, integer);
        }

        return -OrderNumbers(right, left);
    }

    private static int OrderFloat(double number, BigInteger integer)
    {
        var floor = Math.Floor(number);
        var order = new BigInteger(floor).CompareTo(integer);
        return order == 0 && number > floor ? 1 : order;
    }
}
