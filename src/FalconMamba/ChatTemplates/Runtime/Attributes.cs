using System.Numerics;
using FalconMamba.ChatTemplates.Methods;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Runtime;

/// <summary>Attributes and items: behind a dot the attribute comes first, in brackets the item.</summary>
internal static class Attributes
{
    private static readonly HashSet<string> ListChanges = ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"];
    private static readonly HashSet<string> DictChanges = ["clear", "pop", "popitem", "setdefault", "update"];

    /// <summary><c>value.name</c>.</summary>
    /// <exception cref="Fault">The value does not exist.</exception>
    public static object? Member(object? value, string name)
    {
        if (value is Undefined undefined) throw undefined.Fault;
        if (TryAttribute(value, name, out var attribute)) return attribute;
        var key = Text.Trusted(name);
        return value is DictValue dict && dict.TryGet(key, out var item) ? item : Undefined.Member(value, key);
    }

    /// <summary><c>value[index]</c>.</summary>
    /// <exception cref="Fault">The value does not exist.</exception>
    public static object? Item(object? value, object? index)
    {
        if (value is Undefined undefined) throw undefined.Fault;
        if (value is DictValue dict && IsKey(index) && dict.TryGet(index, out var item)) return item;
        if (Kinds.TryInteger(index, out var place) && value is Text or ListValue or TupleValue or RangeValue or BytesValue)
            return Sequences.TryItem(value, place, out var found) ? found : Undefined.Member(value, index);
        return index is Text name && TryAttribute(value, name.Value, out var attribute) ? attribute : Undefined.Member(value, index);
    }

    /// <summary>An attribute alone, for the filter <c>attr</c>.</summary>
    public static object? Attribute(object? value, string name)
    {
        if (value is Undefined undefined) throw undefined.Fault;
        return TryAttribute(value, name, out var attribute) ? attribute : Undefined.Member(value, Text.Trusted(name));
    }

    private static bool IsKey(object? index) => index switch
    {
        ListValue or DictValue or DictView or SliceValue => false,
        TupleValue tuple => tuple.Items.All(IsKey),
        _ => true,
    };

    private static bool TryAttribute(object? value, string name, out object? attribute)
    {
        // Every value of Python has attributes such as __class__, none of which may be used.
        var isForbidden = (name.StartsWith("__", StringComparison.Ordinal) && name.EndsWith("__", StringComparison.Ordinal) && value is not NamespaceValue)
            || (value is ListValue && ListChanges.Contains(name)) || (value is DictValue && DictChanges.Contains(name));
        attribute = isForbidden ? Undefined.Forbidden(value, name) : null;
        if (isForbidden) return true;
        switch (value)
        {
            case NamespaceValue space:
                if (!space.Attributes.TryGet(Text.Trusted(name), out attribute)) return false;
                if (name.StartsWith('_')) attribute = Undefined.Forbidden(value, name);
                return true;
            case IAttributes owner: return owner.TryAttribute(name, out attribute);
            case Text text: return Bind(StringMethods.Find(name), text, name, out attribute);
            case ListValue or TupleValue or RangeValue: return SequenceMethods.TryAttribute(value, name, out attribute);
            case DictValue dict: return Bind(DictMethods.Find(name), dict, name, out attribute);
            case DictView view when name == "mapping": attribute = view.Dict; return true;
            case BytesValue bytes: return Bind(BytesMethods.Find(name), bytes, name, out attribute);
            case BigInteger or bool or double: return NumberMethods.TryAttribute(value, name, out attribute);
            default: return false;
        }
    }

    private static bool Bind<T>(Func<T, Arguments, object?>? method, T receiver, string name, out object? attribute)
    {
        attribute = method is null ? null : new Function(name, arguments => method(receiver, arguments));
        return method is not null;
    }
}
