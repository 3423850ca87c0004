using FalconMamba.ChatTemplates.Syntax;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Runtime;

/// <summary>A macro, or the body of a call block, with the variables it sees.</summary>
internal sealed class Macro(Evaluator evaluator, string name, MacroBody body, Scope scope) : ICallable, IAttributes
{
    /// <summary>The macro's name.</summary>
    public string Name => name;

    /// <inheritdoc/>
    public object? Call(Arguments arguments)
    {
        var inside = new Scope(scope);
        var named = arguments.Named.ToList();
        var given = Math.Min(arguments.Positional.Count, body.Parameters.Length);
        for (var i = 0; i < given; i++) inside.Set(body.Parameters[i], arguments.Positional[i]);
        for (var i = given; i < body.Parameters.Length; i++)
        {
            var place = named.FindIndex(argument => argument.Name == body.Parameters[i]);
            if (place >= 0)
            {
                inside.Set(body.Parameters[i], named[place].Value);
                named.RemoveAt(place);
                continue;
            }

            inside.Set(body.Parameters[i], body.Defaults[i] is { } missing
                ? evaluator.Evaluate(missing, inside)
                : new Undefined($"parameter '{body.Parameters[i]}' was not provided"));
        }

        if (body.TakesCaller) inside.Set("caller", TakeCaller(named));
        if (body.TakesMoreNamed) inside.Set("kwargs", new Arguments([], named) { HasTrustedNames = arguments.HasTrustedNames }.NamedValues);
        else if (named.Count > 0) throw Fault.Runtime($"the macro \"{name}\" takes no argument \"{named[0].Name}\"");
        if (body.TakesMorePositional) inside.Set("varargs", new TupleValue([.. arguments.Positional.Skip(given)]));
        else if (arguments.Positional.Count > given) throw Fault.Runtime($"the macro \"{name}\" takes at most {body.Parameters.Length} arguments, found {arguments.Positional.Count}");
        return evaluator.Capture(body.Body, inside);
    }

    /// <inheritdoc/>
    public bool TryAttribute(string name, out object? value)
    {
        value = name switch
        {
            "name" => Text.Trusted(Name),
            "arguments" => new TupleValue([.. body.Parameters.Select(Text.Trusted)]),
            "catch_kwargs" => body.TakesMoreNamed,
            "catch_varargs" => body.TakesMorePositional,
            "caller" => body.TakesCaller,
            "explicit_caller" => body.Parameters.Contains("caller"),
            _ => null,
        };
        return value is not null;
    }

    private static object? TakeCaller(List<(string Name, object? Value)> named)
    {
        var place = named.FindIndex(static argument => argument.Name == "caller");
        var caller = place >= 0 ? named[place].Value : null;
        if (place >= 0) named.RemoveAt(place);
        return caller ?? new Undefined("No caller defined");
    }
}
