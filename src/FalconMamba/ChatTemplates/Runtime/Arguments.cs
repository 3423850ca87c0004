using System.Numerics;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Runtime;

/// <summary>Something that can be called.</summary>
internal interface ICallable
{
    /// <summary>Calls it.</summary>
    object? Call(Arguments arguments);
}

/// <summary>Something with attributes of its own.</summary>
internal interface IAttributes
{
    /// <summary>The value of an attribute; false where there is none.</summary>
    bool TryAttribute(string name, out object? value);
}

/// <summary>A function of the interpreter.</summary>
internal sealed class Function(string name, Func<Arguments, object?> body) : ICallable
{
    /// <summary>What the function is called.</summary>
    public string Name => name;

    /// <inheritdoc/>
    public object? Call(Arguments arguments) => body(arguments);
}

/// <summary>The arguments of one call.</summary>
internal sealed class Arguments(List<object?> positional, List<(string Name, object? Value)> named)
{
    /// <summary>Arguments by place.</summary>
    public List<object?> Positional => positional;

    /// <summary>Arguments by name.</summary>
    public List<(string Name, object? Value)> Named => named;

    /// <summary>Whether the template itself wrote the names, and not a dict behind <c>**</c> that came from outside.</summary>
    public bool HasTrustedNames { get; init; } = true;

    /// <summary>The arguments by name as a dict.</summary>
    public DictValue NamedValues => named.Aggregate(new DictValue(), (dict, argument) => dict.Set(Text.Of(argument.Name, HasTrustedNames), argument.Value));

    /// <summary>No arguments.</summary>
    public static Arguments None { get; } = new([], []);

    /// <summary>Gives each parameter its argument.</summary>
    /// <param name="function">The function's name for messages.</param>
    /// <param name="parameters">Names; those with a <c>?</c> behind may be missing, those with a <c>/</c> before go by place only.</param>
    public BoundArguments Bind(string function, params ReadOnlySpan<string> parameters)
    {
        if (positional.Count > parameters.Length) throw Fault.Runtime($"{function} takes at most {parameters.Length} arguments, found {positional.Count}");
        var values = new object?[parameters.Length];
        Array.Fill(values, BoundArguments.Missing);
        for (var i = 0; i < positional.Count; i++) values[i] = positional[i];
        foreach (var (name, value) in named)
        {
            var place = -1;
            for (var i = 0; i < parameters.Length; i++) if (parameters[i].AsSpan().TrimEnd('?').SequenceEqual(name)) place = i;
            if (place < 0) throw Fault.Runtime($"{function} takes no argument \"{name}\"");
            if (values[place] != BoundArguments.Missing) throw Fault.Runtime($"{function} was given the argument \"{name}\" twice");
            values[place] = value;
        }

        for (var i = 0; i < parameters.Length; i++)
            if (values[i] == BoundArguments.Missing && !parameters[i].EndsWith('?')) throw Fault.Runtime($"{function} needs the argument \"{parameters[i].TrimStart('/')}\"");
        return new BoundArguments(values);
    }
}

/// <summary>Arguments in the order of their parameters.</summary>
internal readonly struct BoundArguments(object?[] values)
{
    /// <summary>Stands where an argument is missing.</summary>
    public static readonly object Missing = new();

    /// <summary>An argument; null where it is missing or None.</summary>
    public object? this[int place] => Has(place) ? values[place] : null;

    /// <summary>Whether an argument was given.</summary>
    public bool Has(int place) => values[place] != Missing;

    /// <summary>An argument, or what stands for a missing one.</summary>
    public object? Or(int place, object? missing) => Has(place) ? values[place] : missing;

    /// <summary>A string.</summary>
    public Text Text(int place) => Kinds.ToText(this[place]);

    /// <summary>A string, or what stands for a missing one.</summary>
    public Text Text(int place, string missing) => Has(place) ? Text(place) : Values.Text.Trusted(missing);

    /// <summary>A string, or null for a missing one or None.</summary>
    public Text? TextOrNone(int place) => this[place] is { } value ? Kinds.ToText(value) : null;

    /// <summary>An integer, or what stands for a missing one.</summary>
    public int Int(int place, int missing) => Has(place) ? Kinds.ToInt(this[place]) : missing;

    /// <summary>An integer.</summary>
    public BigInteger Integer(int place) => Kinds.TryInteger(this[place], out var number) ? number : throw Fault.Expected("an integer", this[place]);

    /// <summary>The truth of an argument.</summary>
    public bool Flag(int place, bool missing = false) => Has(place) ? Kinds.IsTrue(this[place]) : missing;
}
