namespace FalconMamba.ChatTemplates.Syntax;

/// <summary>A statement and its place in the source.</summary>
internal abstract record Statement(int Offset);

/// <summary>Text that goes to the output as it is.</summary>
internal sealed record Data(string Text, int Offset) : Statement(Offset);

/// <summary><c>{{ value }}</c>.</summary>
internal sealed record Print(Expression Value, int Offset) : Statement(Offset);

/// <summary><c>if</c>; the last branch may lack a condition.</summary>
internal sealed record If((Expression? Condition, Statement[] Body)[] Branches, int Offset) : Statement(Offset);

/// <summary><c>for</c>.</summary>
internal sealed record For(Expression Target, Expression Items, Expression? Condition, bool IsRecursive, Statement[] Body, Statement[] Else, int Offset) : Statement(Offset);

/// <summary><c>set</c> with a value.</summary>
internal sealed record Assignment(Expression Target, Expression Value, int Offset) : Statement(Offset);

/// <summary><c>set</c> with a body.</summary>
internal sealed record BlockAssignment(Expression Target, Filter? Filter, Statement[] Body, int Offset) : Statement(Offset);

/// <summary>Parameters and body of a macro or a call block.</summary>
internal sealed record MacroBody(string[] Parameters, Expression?[] Defaults, Statement[] Body, bool TakesCaller, bool TakesMorePositional, bool TakesMoreNamed);

/// <summary><c>macro</c>.</summary>
internal sealed record MacroDefinition(string Name, MacroBody Macro, int Offset) : Statement(Offset);

/// <summary><c>call</c>.</summary>
internal sealed record CallBlock(Call Call, MacroBody Caller, int Offset) : Statement(Offset);

/// <summary><c>filter</c>.</summary>
internal sealed record FilterBlock(Filter Filter, Statement[] Body, int Offset) : Statement(Offset);

/// <summary><c>with</c>.</summary>
internal sealed record With((Expression Target, Expression Value)[] Values, Statement[] Body, int Offset) : Statement(Offset);

/// <summary><c>autoescape</c>.</summary>
internal sealed record Autoescape(Expression Value, Statement[] Body, int Offset) : Statement(Offset);

/// <summary><c>block</c>, which stands where it is defined, as nothing can extend a chat template.</summary>
internal sealed record Block(string Name, bool IsScoped, Statement[] Body, int Offset) : Statement(Offset);

/// <summary><c>generation</c>: what the model writes.</summary>
internal sealed record GenerationBlock(Statement[] Body, int Offset) : Statement(Offset);

/// <summary><c>break</c> or <c>continue</c>.</summary>
internal sealed record Jump(bool IsBreak, int Offset) : Statement(Offset);

/// <summary>What would load another template.</summary>
internal sealed record Loading(string Tag, int Offset) : Statement(Offset);
