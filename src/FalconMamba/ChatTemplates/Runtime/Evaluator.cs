using FalconMamba.ChatTemplates.Syntax;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Runtime;

/// <summary>Walks the tree of a template once.</summary>
internal sealed partial class Evaluator
{
    private readonly SourceText _source;
    private readonly Scope _root;
    private readonly TextBuilder _document = new();
    private readonly List<Range> _generations = [];
    private readonly Dictionary<string, Block> _blocks = new(StringComparer.Ordinal);
    private TextBuilder _output;
    private int _offset;

    /// <summary>Prepares a walk.</summary>
    /// <param name="source">The source, for places.</param>
    /// <param name="variables">What the template is given.</param>
    /// <param name="clock">What <c>strftime_now</c> reads.</param>
    public Evaluator(SourceText source, IEnumerable<(string Name, object? Value)> variables, TimeProvider clock)
    {
        _source = source;
        _output = _document;
        var globals = new Scope(null);
        foreach (var (name, value) in Globals.Create(clock)) globals.Set(name, value);
        globals.Set("self", new BlockReferences(this));
        var given = new Scope(globals);
        foreach (var (name, value) in variables) given.Set(name, value);
        _root = new Scope(given);
    }

    /// <summary>Whether what is printed is escaped for HTML.</summary>
    public bool IsEscaping { get; private set; }

    /// <summary>The parts of the output that the model writes.</summary>
    public IReadOnlyList<Range> Generations => _generations;

    /// <summary>Runs a template.</summary>
    /// <exception cref="ChatTemplateException">It refuses its variables or does not suit them, or reaches a bound.</exception>
    public Text Run(Statement[] template)
    {
        try
        {
            Execute(template, _root);
            return _document.ToText();
        }
        catch (Fault fault)
        {
            throw _source.Error(fault.Kind, fault.Message, _offset, fault);
        }
    }

    /// <summary>What a body prints.</summary>
    public Text Capture(Statement[] body, Scope scope)
    {
        Budget.Current.Descend();
        var (text, _) = Collect(() => Execute(body, scope));
        Budget.Current.Ascend();
        return text;
    }

    /// <summary>What <c>self</c> is: the blocks.</summary>
    private sealed class BlockReferences(Evaluator evaluator) : IAttributes
    {
        public bool TryAttribute(string name, out object? value)
        {
            value = evaluator._blocks.TryGetValue(name, out var block)
                ? new Function(name, _ => evaluator.Capture(block.Body, new Scope(evaluator._root)))
                : null;
            return value is not null;
        }
    }
}
