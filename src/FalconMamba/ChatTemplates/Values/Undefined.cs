using FalconMamba.ChatTemplates.Runtime;

namespace FalconMamba.ChatTemplates.Values;

/// <summary>Something that does not exist: it prints as nothing and is false, but cannot be used.</summary>
internal sealed class Undefined(string message, ChatTemplateErrorKind kind = ChatTemplateErrorKind.Undefined)
{
    /// <summary>The fault of using it.</summary>
    public Fault Fault => new(kind, message);

    /// <summary>A name that nothing stands behind.</summary>
    public static Undefined Name(string name) => new($"'{name}' is undefined");

    /// <summary>A key or attribute that a value lacks.</summary>
    public static Undefined Member(object? owner, object? name) => new(name is Text text
        ? $"'{Owner(owner)}' has no attribute {Representation.Of(text).Value}"
        : $"{Owner(owner)} has no element {Describe(name)}");

    /// <summary>An attribute that may not be used.</summary>
    public static Undefined Forbidden(object? owner, string name) =>
        new($"access to attribute '{name}' of '{Kinds.Of(owner)}' object is unsafe", ChatTemplateErrorKind.Security);

    /// <summary>The fault of the first value that does not exist; null if all exist.</summary>
    public static Fault? In(params ReadOnlySpan<object?> values)
    {
        foreach (var value in values) if (value is Undefined undefined) return undefined.Fault;
        return null;
    }

    private static string Owner(object? owner) => owner is null ? "None" : $"{Kinds.Of(owner)} object";

    private static string Describe(object? name) => name is null or bool or System.Numerics.BigInteger or double ? Representation.Of(name).Value : $"of type {Kinds.Of(name)}";
}
