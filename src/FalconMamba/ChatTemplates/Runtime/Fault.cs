using System.Diagnostics.CodeAnalysis;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Runtime;

/// <summary>A fault that does not know its place in the template yet; the evaluator adds it.</summary>
[SuppressMessage("Design", "CA1064:Exceptions should be public", Justification = "It never leaves the folder.")]
internal sealed class Fault(ChatTemplateErrorKind kind, string message) : Exception(message)
{
    /// <summary>Why the template was refused.</summary>
    public ChatTemplateErrorKind Kind => kind;

    /// <summary>An operation that does not suit its values.</summary>
    public static Fault Runtime(string message) => new(ChatTemplateErrorKind.Runtime, message);

    /// <summary>A bound that was reached.</summary>
    public static Fault Limit(string message) => new(ChatTemplateErrorKind.Limit, message);

    /// <summary>An operation between two values that is not defined.</summary>
    public static Fault Unsupported(string operation, object? left, object? right) =>
        Undefined.In(left, right) ?? Runtime($"{operation} is not defined between {Kinds.Of(left)} and {Kinds.Of(right)}");

    /// <summary>A value of another kind than needed.</summary>
    public static Fault Expected(string what, object? found) => Runtime($"{what} was expected, found {Kinds.Of(found)}");

    /// <summary>The same where Python asks the value itself, so that one that does not exist complains for itself.</summary>
    public static Fault Unfit(string what, object? found) => Undefined.In(found) ?? Expected(what, found);
}
