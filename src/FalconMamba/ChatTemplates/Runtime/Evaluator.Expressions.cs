using FalconMamba.ChatTemplates.Filtering;
using FalconMamba.ChatTemplates.Syntax;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Runtime;

internal sealed partial class Evaluator
{
    /// <summary>The value of an expression.</summary>
    /// <exception cref="Fault">It has none.</exception>
    public object? Evaluate(Expression expression, Scope scope)
    {
        Budget.Current.Step();
        Budget.EnsureStack();
        switch (expression)
        {
            case Constant constant: return constant.Value;
            case Variable variable: return Lookup(variable.Name, scope);
            case ListDisplay list: return new ListValue([.. EvaluateAll(list.Items, scope)]);
            case TupleDisplay tuple: return new TupleValue(EvaluateAll(tuple.Items, scope));
            case DictDisplay dict: return EvaluateDict(dict, scope);
            case Member member: return EvaluateMember(member, scope);
            case Subscript subscript: return EvaluateSubscript(subscript, scope);
            case Slice slice: return new SliceValue(EvaluateOrNone(slice.Start, scope), EvaluateOrNone(slice.Stop, scope), EvaluateOrNone(slice.Step, scope));
            case Call call: return Evaluate(call, scope, caller: null);
            case Filter filter: return Apply(filter, Evaluate(filter.Input!, scope), scope);
            case Test test: return EvaluateTest(test, scope);
            case Sign sign: return EvaluateSign(sign, scope);
            case Operation operation: return EvaluateOperation(operation, scope);
            case Concatenation concatenation: return Concatenate(concatenation, scope);
            case Comparisons comparisons: return EvaluateComparisons(comparisons, scope);
            case Junction junction:
                var left = Evaluate(junction.Left, scope);
                return Kinds.IsTrue(left) == junction.IsAnd ? Evaluate(junction.Right, scope) : left;
            case Negation negation: return !Kinds.IsTrue(Evaluate(negation.Operand, scope));
            case Conditional conditional:
                if (Kinds.IsTrue(Evaluate(conditional.Condition, scope))) return Evaluate(conditional.Then, scope);
                return conditional.Else is { } other
                    ? Evaluate(other, scope)
                    : new Undefined("the inline if has no else, and its condition does not hold");
            default: throw Fault.Runtime("a value was expected");
        }
    }

    private static object? Lookup(string name, Scope scope) => scope.TryGet(name, out var value) ? value : Undefined.Name(name);

    private object? EvaluateOrNone(Expression? expression, Scope scope) => expression is null ? null : Evaluate(expression, scope);

    private object?[] EvaluateAll(Expression[] expressions, Scope scope) => Array.ConvertAll(expressions, expression => Evaluate(expression, scope));

    private DictValue EvaluateDict(DictDisplay display, Scope scope)
    {
        var dict = new DictValue();
        foreach (var (key, value) in display.Items)
        {
            var evaluated = Evaluate(key, scope);
            var item = Evaluate(value, scope);
            _offset = key.Offset;
            dict.Set(evaluated, item);
        }

        return dict;
    }

    private object? EvaluateMember(Member member, Scope scope)
    {
        var target = Evaluate(member.Target, scope);
        _offset = member.Offset;
        return Attributes.Member(target, member.Name);
    }

    private object? EvaluateSubscript(Subscript subscript, Scope scope)
    {
        var target = Evaluate(subscript.Target, scope);
        var index = Evaluate(subscript.Index, scope);
        _offset = subscript.Offset;
        return subscript.Index is Slice ? Sequences.Slice(target, (SliceValue)index!) : Attributes.Item(target, index);
    }

    private object? Evaluate(Call call, Scope scope, Macro? caller)
    {
        var target = Evaluate(call.Target, scope);
        var arguments = EvaluateArguments(call.Arguments, scope);
        if (caller is not null) arguments.Named.Add(("caller", caller));
        _offset = call.Offset;
        if (target is Undefined undefined) throw undefined.Fault;
        if (target is not ICallable callable) throw Fault.Runtime($"a {Kinds.Of(target)} cannot be called");
        return callable.Call(arguments);
    }

    private Arguments EvaluateArguments(ArgumentList list, Scope scope)
    {
        if (list == ArgumentList.None) return Arguments.None;
        var positional = EvaluateAll(list.Positional, scope).ToList();
        var named = list.Named.Select(argument => (argument.Name, Evaluate(argument.Value, scope))).ToList();
        if (list.MorePositional is { } more) positional.AddRange(Sequences.ToList(Evaluate(more, scope)));
        var hasTrustedNames = true;
        if (list.MoreNamed is { } moreNamed)
        {
            if (Evaluate(moreNamed, scope) is not DictValue dict) throw Fault.Runtime("a dict was expected behind **");
            named.AddRange(dict.Items.Select(static item => (Kinds.ToText(item.Key).Value, item.Value)));
            hasTrustedNames = dict.Items.All(static item => item.Key is Text { IsTrusted: true });
        }

        return new Arguments(positional, named) { HasTrustedNames = hasTrustedNames };
    }

    private object? Apply(Filter filter, object? input, Scope scope)
    {
        var arguments = EvaluateArguments(filter.Arguments, scope);
        _offset = filter.Offset;
        return Filters.Apply(this, filter.Name, input, arguments);
    }

    // The filters of a block, the innermost of which has no input of its own.
    private object? ApplyTo(Text text, Filter filter, Scope scope) =>
        Apply(filter, filter.Input is Filter inner ? ApplyTo(text, inner, scope) : text, scope);

    private bool EvaluateTest(Test test, Scope scope)
    {
        var input = Evaluate(test.Input, scope);
        var arguments = EvaluateArguments(test.Arguments, scope);
        _offset = test.Offset;
        return Tests.Check(test.Name, input, arguments);
    }

    private object EvaluateSign(Sign sign, Scope scope)
    {
        var operand = Evaluate(sign.Operand, scope);
        _offset = sign.Offset;
        return Arithmetic.Sign(sign.IsNegative, operand);
    }

    private object? EvaluateOperation(Operation operation, Scope scope)
    {
        var left = Evaluate(operation.Left, scope);
        var right = Evaluate(operation.Right, scope);
        _offset = operation.Offset;
        return Operators.Apply(operation.Operator, left, right);
    }

    private Text Concatenate(Concatenation concatenation, Scope scope)
    {
        var values = EvaluateAll(concatenation.Parts, scope);
        _offset = concatenation.Offset;
        var escapes = IsEscaping && values.Any(static value => value is Text { IsMarkup: true });
        return TextBuilder.Join(Text.Empty, values.Select(value => escapes ? Markup.Escape(value) : Representation.Str(value))).WithMarkup(escapes);
    }

    private bool EvaluateComparisons(Comparisons comparisons, Scope scope)
    {
        var left = Evaluate(comparisons.First, scope);
        foreach (var (sign, expression) in comparisons.Rest)
        {
            var right = Evaluate(expression, scope);
            _offset = comparisons.Offset;
            if (!Operators.Compare(sign, left, right)) return false;
            left = right;
        }

        return true;
    }
}
