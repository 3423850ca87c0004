using FalconMamba.ChatTemplates.Syntax;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Runtime;

internal sealed partial class Evaluator
{
    // How a body ends.
    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    private Flow Execute(Statement[] body, Scope scope)
    {
        foreach (var statement in body)
            if (Execute(statement, scope) is var flow && flow != Flow.Next) return flow;
        return Flow.Next;
    }

    private Flow Execute(Statement statement, Scope scope)
    {
        Budget.Current.Step();
        _offset = statement.Offset;
        switch (statement)
        {
            case Data data:
                _output.Append(data.Text);
                break;
            case Print print:
                Print(Evaluate(print.Value, scope), print);
                break;
            case If choice:
                return ExecuteIf(choice, scope);
            case For loop:
                ExecuteLoop(loop, Evaluate(loop.Items, scope), scope, depth: 0);
                break;
            case Jump jump:
                return jump.IsBreak ? Flow.Break : Flow.Continue;
            case Assignment set:
                Assign(set.Target, Evaluate(set.Value, scope), scope);
                break;
            case BlockAssignment set:
                return ExecuteBlockAssignment(set, scope);
            case MacroDefinition macro:
                scope.Set(macro.Name, new Macro(this, macro.Name, macro.Macro, scope));
                break;
            case CallBlock call:
                Print(Evaluate(call.Call, scope, new Macro(this, "caller", call.Caller, scope)), call);
                break;
            case FilterBlock filter:
                return ExecuteFilterBlock(filter, scope);
            case With with:
                return ExecuteWith(with, scope);
            case Autoescape escape:
                return ExecuteAutoescape(escape, scope);
            case Block block:
                _blocks[block.Name] = block;
                Execute(block.Body, new Scope(block.IsScoped ? scope : _root));
                break;
            case GenerationBlock generation:
                ExecuteGeneration(generation, scope);
                break;
            case Loading loading:
                throw Fault.Runtime($"\"{loading.Tag}\" has nothing to load from, as a chat template stands alone");
        }

        return Flow.Next;
    }

    private void Print(object? value, Statement statement)
    {
        _offset = statement.Offset;
        _output.Append(IsEscaping ? Markup.Escape(value) : Representation.Str(value));
    }

    private Flow ExecuteIf(If choice, Scope scope)
    {
        foreach (var (condition, body) in choice.Branches)
            if (condition is null || Kinds.IsTrue(Evaluate(condition, scope))) return Execute(body, scope);
        return Flow.Next;
    }

    private void ExecuteLoop(For node, object? value, Scope scope, int depth)
    {
        _offset = node.Items.Offset;
        var items = Sequences.Items(value);
        if (node.Condition is { } condition) items = items.Where(item => IsWanted(node, condition, item, scope));
        var loop = new Loop(items, node.Condition is null ? Sequences.TryLength(value) : null, depth, node.IsRecursive ? more => Recurse(node, more, scope, depth + 1) : null);

        // As in the reference, a round that is left early does not count for "else".
        var isComplete = false;
        while (loop.MoveNext())
        {
            Budget.Current.Step();
            var round = new Scope(scope);
            round.Set("loop", loop);
            Assign(node.Target, loop.Current, round);
            var flow = Execute(node.Body, round);
            if (flow == Flow.Break) break;
            isComplete |= flow == Flow.Next;
        }

        if (!isComplete) Execute(node.Else, new Scope(scope));
    }

    private bool IsWanted(For node, Expression condition, object? item, Scope scope)
    {
        var test = new Scope(scope);
        Assign(node.Target, item, test);
        return Kinds.IsTrue(Evaluate(condition, test));
    }

    private Text Recurse(For node, object? items, Scope scope, int depth)
    {
        Budget.Current.Descend();
        var (text, _) = Collect(() =>
        {
            ExecuteLoop(node, items, scope, depth);
            return Flow.Next;
        });
        Budget.Current.Ascend();
        return text;
    }

    private void Assign(Expression target, object? value, Scope scope)
    {
        switch (target)
        {
            case Variable variable:
                scope.Set(variable.Name, value);
                break;
            case NamespaceMember member:
                _offset = member.Offset;
                if (Lookup(member.Name, scope) is not NamespaceValue space) throw Fault.Runtime($"a namespace was expected to set \"{member.Attribute}\" in");
                space.Attributes.Set(Text.Trusted(member.Attribute), value);
                break;
            case TupleDisplay tuple:
                _offset = tuple.Offset;
                var items = Sequences.TryItems(value)?.Take(tuple.Items.Length + 1).ToList() ?? throw Fault.Runtime($"a {Kinds.Of(value)} cannot be taken apart");
                if (items.Count != tuple.Items.Length) throw Fault.Runtime($"{tuple.Items.Length} values were expected, found {(items.Count > tuple.Items.Length ? "more" : items.Count)}");
                for (var i = 0; i < items.Count; i++) Assign(tuple.Items[i], items[i], scope);
                break;
        }
    }

    // What is printed meanwhile, as a text of its own.
    private (Text Text, Flow Flow) Collect(Func<Flow> run)
    {
        var outside = _output;
        _output = new TextBuilder();
        var flow = run();
        var text = _output.ToText();
        _output = outside;
        return (text.WithMarkup(IsEscaping), flow);
    }

    private Flow ExecuteBlockAssignment(BlockAssignment set, Scope scope)
    {
        var (text, flow) = Collect(() => Execute(set.Body, new Scope(scope)));
        if (flow != Flow.Next) return flow;
        Assign(set.Target, set.Filter is { } filter ? ApplyTo(text, filter, scope) : text, scope);
        return flow;
    }

    private Flow ExecuteFilterBlock(FilterBlock block, Scope scope)
    {
        var (text, flow) = Collect(() => Execute(block.Body, new Scope(scope)));
        if (flow == Flow.Next) Print(ApplyTo(text, block.Filter, scope), block);
        return flow;
    }

    private Flow ExecuteWith(With with, Scope scope)
    {
        var inside = new Scope(scope);
        var values = Array.ConvertAll(with.Values, pair => Evaluate(pair.Value, scope));
        for (var i = 0; i < values.Length; i++) Assign(with.Values[i].Target, values[i], inside);
        return Execute(with.Body, inside);
    }

    private Flow ExecuteAutoescape(Autoescape escape, Scope scope)
    {
        var outside = IsEscaping;
        IsEscaping = Kinds.IsTrue(Evaluate(escape.Value, scope));
        var flow = Execute(escape.Body, new Scope(scope));
        IsEscaping = outside;
        return flow;
    }

    private void ExecuteGeneration(GenerationBlock generation, Scope scope)
    {
        var text = Capture(generation.Body, new Scope(scope));
        var start = _output.Length;
        _output.Append(text);
        if (_output == _document) _generations.Add(start.._output.Length);
    }
}
