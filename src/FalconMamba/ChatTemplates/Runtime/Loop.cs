using System.Numerics;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Runtime;

/// <summary>The variable <c>loop</c>.</summary>
internal sealed class Loop : ICallable, IAttributes
{
    private readonly Func<object?, object?>? _recurse;
    private readonly int _depth;
    private IEnumerator<object?> _items;
    private int? _length;
    private object? _before, _current, _changed;
    private object? _after;
    private bool _hasAfter, _hasChanged;

    /// <summary>A loop over items.</summary>
    /// <param name="items">The items.</param>
    /// <param name="length">Their number, if it is known.</param>
    /// <param name="depth">How many recursive loops are around it.</param>
    /// <param name="recurse">Runs the loop over other items; null if it is not recursive.</param>
    public Loop(IEnumerable<object?> items, int? length, int depth, Func<object?, object?>? recurse)
    {
        _items = items.GetEnumerator();
        _length = length;
        _depth = depth;
        _recurse = recurse;
    }

    /// <summary>The round, from 1; 0 before the first one.</summary>
    public int Index { get; private set; }

    /// <summary>The item of this round.</summary>
    public object? Current => _current;

    /// <summary>The number of items; what is left of them is made now if it must be.</summary>
    public int Length
    {
        get
        {
            if (_length is { } known) return known;
            var rest = new List<object?>();
            while (_items.MoveNext())
            {
                Budget.Current.Step();
                rest.Add(_items.Current);
            }

            _items = rest.GetEnumerator();
            _length = rest.Count + Index + (_hasAfter ? 1 : 0);
            return _length.Value;
        }
    }

    /// <summary>Goes on to the next item.</summary>
    public bool MoveNext()
    {
        if (!PeekNext()) return false;
        _hasAfter = false;
        _before = _current;
        _current = _after;
        Index++;
        return true;
    }

    /// <summary>The items that are left, each with the loop.</summary>
    public IEnumerable<object?> Rest()
    {
        while (MoveNext()) yield return new TupleValue(_current, this);
    }

    /// <inheritdoc/>
    public object? Call(Arguments arguments) => _recurse is null
        ? throw Fault.Runtime("a loop that is called needs the word \"recursive\"")
        : _recurse(arguments.Bind("loop", "iterable")[0]);

    /// <inheritdoc/>
    public bool TryAttribute(string name, out object? value)
    {
        value = name switch
        {
            "index" => new BigInteger(Index),
            "index0" => new BigInteger(Index - 1),
            "revindex" => new BigInteger(Length - Index + 1),
            "revindex0" => new BigInteger(Length - Index),
            "first" => Index == 1,
            "last" => !PeekNext(),
            "length" => new BigInteger(Length),
            "depth" => new BigInteger(_depth + 1),
            "depth0" => new BigInteger(_depth),
            "previtem" => Index == 1 ? new Undefined("there is no previous item") : _before,
            "nextitem" => PeekNext() ? _after : new Undefined("there is no next item"),
            "cycle" => new Function(name, Cycle),
            "changed" => new Function(name, arguments => HasChanged(arguments)),
            _ => BoundArguments.Missing,
        };
        return value != BoundArguments.Missing;
    }

    private bool PeekNext()
    {
        if (_hasAfter) return true;
        if (!_items.MoveNext()) return false;
        _after = _items.Current;
        return _hasAfter = true;
    }

    private object? Cycle(Arguments arguments) => arguments.Positional.Count == 0
        ? throw Fault.Runtime("loop.cycle needs items")
        : arguments.Positional[(Index - 1) % arguments.Positional.Count];

    private bool HasChanged(Arguments arguments)
    {
        var value = new TupleValue([.. arguments.Positional]);
        if (_hasChanged && Comparison.AreEqual(_changed, value)) return false;
        (_changed, _hasChanged) = (value, true);
        return true;
    }
}
