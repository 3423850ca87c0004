using System.Collections.Frozen;
using System.Numerics;
using FalconMamba.ChatTemplates.Methods;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Filtering;

/// <summary>What stands behind <c>is</c>.</summary>
internal static class Tests
{
    private static readonly FrozenDictionary<string, Func<object?, bool>> Simple = new Dictionary<string, Func<object?, bool>>
    {
        ["odd"] = static value => Comparison.AreEqual(Operators.Apply("%", value, new BigInteger(2)), BigInteger.One),
        ["even"] = static value => Comparison.AreEqual(Operators.Apply("%", value, new BigInteger(2)), BigInteger.Zero),
        ["defined"] = static value => value is not Undefined,
        ["undefined"] = static value => value is Undefined,
        ["filter"] = static value => value is Text name && Filters.Exists(name.Value),
        ["test"] = static value => value is Text name && Exists(name.Value),
        ["none"] = static value => value is null,
        ["boolean"] = static value => value is bool,
        ["false"] = static value => value is false,
        ["true"] = static value => value is true,
        ["integer"] = static value => value is BigInteger,
        ["float"] = static value => value is double,
        ["lower"] = static value => StringMethods.IsLower(Representation.Str(value)),
        ["upper"] = static value => StringMethods.IsUpper(Representation.Str(value)),
        ["string"] = static value => value is Text,
        ["mapping"] = static value => value is DictValue,
        ["number"] = static value => value is BigInteger or double or bool,
        ["sequence"] = static value => value is Text or ListValue or TupleValue or DictValue or RangeValue or BytesValue or Undefined,
        ["iterable"] = static value => Sequences.TryItems(value) is not null,
        ["callable"] = static value => value is ICallable or Undefined,
        ["escaped"] = static value => value is Text { IsMarkup: true },
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, Func<object?, object?, bool>> WithArgument = new Dictionary<string, Func<object?, object?, bool>>
    {
        ["divisibleby"] = static (value, number) => Comparison.AreEqual(Operators.Apply("%", value, number), BigInteger.Zero),
        ["sameas"] = static (value, other) => IsSame(value, other),
        ["in"] = static (value, container) => Sequences.Contains(container, value),
        ["=="] = static (value, other) => Operators.Compare("==", value, other),
        ["eq"] = static (value, other) => Operators.Compare("==", value, other),
        ["equalto"] = static (value, other) => Operators.Compare("==", value, other),
        ["!="] = static (value, other) => Operators.Compare("!=", value, other),
        ["ne"] = static (value, other) => Operators.Compare("!=", value, other),
        [">"] = static (value, other) => Operators.Compare(">", value, other),
        ["gt"] = static (value, other) => Operators.Compare(">", value, other),
        ["greaterthan"] = static (value, other) => Operators.Compare(">", value, other),
        ["ge"] = static (value, other) => Operators.Compare(">=", value, other),
        [">="] = static (value, other) => Operators.Compare(">=", value, other),
        ["<"] = static (value, other) => Operators.Compare("<", value, other),
        ["lt"] = static (value, other) => Operators.Compare("<", value, other),
        ["lessthan"] = static (value, other) => Operators.Compare("<", value, other),
        ["<="] = static (value, other) => Operators.Compare("<=", value, other),
        ["le"] = static (value, other) => Operators.Compare("<=", value, other),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Whether there is such a test.</summary>
    public static bool Exists(string name) => Simple.ContainsKey(name) || WithArgument.ContainsKey(name);

    /// <summary>Runs a test.</summary>
    /// <exception cref="Fault">There is no such test, or it does not suit the value.</exception>
    public static bool Check(string name, object? value, Arguments arguments)
    {
        if (Simple.TryGetValue(name, out var simple))
        {
            arguments.Bind(name);
            return simple(value);
        }

        return WithArgument.TryGetValue(name, out var test)
            ? test(value, arguments.Bind(name, "other")[0])
            : throw Fault.Runtime($"there is no test \"{Formats.Excerpt.Of(name)}\"");
    }

    // Small integers are one object each in Python, and strings of a template's constants too.
    private static bool IsSame(object? value, object? other) => (value, other) switch
    {
        (bool a, bool b) => a == b,
        (BigInteger a, BigInteger b) => a == b,
        (Text a, Text b) => a.Value == b.Value,
        _ => ReferenceEquals(value, other),
    };
}
