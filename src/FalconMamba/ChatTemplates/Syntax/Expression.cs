namespace FalconMamba.ChatTemplates.Syntax;

/// <summary>An expression and its place in the source.</summary>
internal abstract record Expression(int Offset);

/// <summary>A constant: None, a bool, a number or a string.</summary>
internal sealed record Constant(object? Value, int Offset) : Expression(Offset);

/// <summary>A variable.</summary>
internal sealed record Variable(string Name, int Offset) : Expression(Offset);

/// <summary>A list display.</summary>
internal sealed record ListDisplay(Expression[] Items, int Offset) : Expression(Offset);

/// <summary>A tuple display.</summary>
internal sealed record TupleDisplay(Expression[] Items, int Offset) : Expression(Offset);

/// <summary>A dict display.</summary>
internal sealed record DictDisplay((Expression Key, Expression Value)[] Items, int Offset) : Expression(Offset);

/// <summary><c>target.name</c>.</summary>
internal sealed record Member(Expression Target, string Name, int Offset) : Expression(Offset);

/// <summary><c>target[index]</c>.</summary>
internal sealed record Subscript(Expression Target, Expression Index, int Offset) : Expression(Offset);

/// <summary><c>start:stop:step</c> inside a subscript.</summary>
internal sealed record Slice(Expression? Start, Expression? Stop, Expression? Step, int Offset) : Expression(Offset);

/// <summary>The arguments of a call, a filter or a test.</summary>
internal sealed record ArgumentList(Expression[] Positional, (string Name, Expression Value)[] Named, Expression? MorePositional, Expression? MoreNamed)
{
    /// <summary>No arguments.</summary>
    public static ArgumentList None { get; } = new([], [], null, null);
}

/// <summary>A call.</summary>
internal sealed record Call(Expression Target, ArgumentList Arguments, int Offset) : Expression(Offset);

/// <summary>A filter; without input it is that of a block.</summary>
internal sealed record Filter(Expression? Input, string Name, ArgumentList Arguments, int Offset) : Expression(Offset);

/// <summary>A test behind <c>is</c>.</summary>
internal sealed record Test(Expression Input, string Name, ArgumentList Arguments, int Offset) : Expression(Offset);

/// <summary>A sign before a number.</summary>
internal sealed record Sign(bool IsNegative, Expression Operand, int Offset) : Expression(Offset);

/// <summary>An operation of arithmetic.</summary>
internal sealed record Operation(string Operator, Expression Left, Expression Right, int Offset) : Expression(Offset);

/// <summary><c>~</c>.</summary>
internal sealed record Concatenation(Expression[] Parts, int Offset) : Expression(Offset);

/// <summary>A chain of comparisons.</summary>
internal sealed record Comparisons(Expression First, (string Operator, Expression Right)[] Rest, int Offset) : Expression(Offset);

/// <summary><c>and</c> or <c>or</c>.</summary>
internal sealed record Junction(bool IsAnd, Expression Left, Expression Right, int Offset) : Expression(Offset);

/// <summary><c>not</c>.</summary>
internal sealed record Negation(Expression Operand, int Offset) : Expression(Offset);

/// <summary><c>value if condition else other</c>.</summary>
internal sealed record Conditional(Expression Condition, Expression Then, Expression? Else, int Offset) : Expression(Offset);

/// <summary><c>name.attribute</c> as the target of an assignment.</summary>
internal sealed record NamespaceMember(string Name, string Attribute, int Offset) : Expression(Offset);
