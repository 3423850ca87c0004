using System.Numerics;
using FalconMamba.ChatTemplates.Formatting;
using FalconMamba.ChatTemplates.Methods;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Runtime;

/// <summary>The functions that every template has.</summary>
internal static class Globals
{
    /// <summary>The functions by name.</summary>
    public static IEnumerable<(string Name, object? Value)> Create(TimeProvider clock) =>
    [
        ("range", new Function("range", Range)),
        ("dict", new DictType()),
        ("namespace", new Function("namespace", static arguments => new NamespaceValue(CreateDict(arguments)))),
        ("cycler", new Function("cycler", static arguments => new Cycler(arguments.Positional))),
        ("joiner", new Function("joiner", static arguments => new Joiner(arguments.Bind("joiner", "sep?").Text(0, ", ")))),
        ("lipsum", new Function("lipsum", static _ => throw Fault.Runtime("lipsum writes random text, which no conversation needs"))),
        ("raise_exception", new Function("raise_exception", static arguments =>
            throw new Fault(ChatTemplateErrorKind.Raised, Representation.Str(arguments.Bind("raise_exception", "message")[0]).Value))),
        ("strftime_now", new Function("strftime_now", arguments => TimeFormat.Apply(clock.GetLocalNow(), arguments.Bind("strftime_now", "format").Text(0)))),
    ];

    private static RangeValue Range(Arguments arguments)
    {
        var bound = arguments.Bind("range", "/start", "/stop?", "/step?");
        var first = bound.Integer(0);
        return bound.Has(1)
            ? new RangeValue(first, bound.Integer(1), bound.Has(2) ? bound.Integer(2) : BigInteger.One)
            : new RangeValue(BigInteger.Zero, first, BigInteger.One);
    }

    private static DictValue CreateDict(Arguments arguments)
    {
        var dict = new DictValue();
        if (arguments.Positional.Count > 1) throw Fault.Runtime("dict takes at most one argument by place");
        if (arguments.Positional is [DictValue given]) dict.SetAll(given);
        else if (arguments.Positional is [NamespaceValue]) throw Fault.Runtime("a namespace cannot become a dict");
        else if (arguments.Positional is [var pairs])
        {
            foreach (var pair in Sequences.Items(pairs))
            {
                if (Sequences.ToList(pair) is not [var key, var value]) throw Fault.Runtime("pairs were expected for a dict");
                dict.Set(key, value);
            }
        }

        return dict.SetAll(arguments.NamedValues);
    }

    private sealed class DictType : ICallable, IAttributes
    {
        public object? Call(Arguments arguments) => CreateDict(arguments);

        public bool TryAttribute(string name, out object? value)
        {
            value = name == "fromkeys" ? new Function(name, DictMethods.FromKeys) : null;
            return value is not null;
        }
    }

    private sealed class Cycler : IAttributes
    {
        private readonly List<object?> _items;
        private int _place;

        public Cycler(List<object?> items)
        {
            if (items.Count == 0) throw Fault.Runtime("a cycler needs an item");
            _items = items;
        }

        public bool TryAttribute(string name, out object? value)
        {
            value = name switch
            {
                "next" => new Function(name, _ => Next()),
                "reset" => new Function(name, _ => Reset()),
                "current" => _items[_place],
                "items" => new TupleValue([.. _items]),
                "pos" => new BigInteger(_place),
                _ => BoundArguments.Missing,
            };
            return value != BoundArguments.Missing;
        }

        private object? Next()
        {
            var item = _items[_place];
            _place = (_place + 1) % _items.Count;
            return item;
        }

        private object? Reset()
        {
            _place = 0;
            return null;
        }
    }

    private sealed class Joiner(Text separator) : ICallable, IAttributes
    {
        private bool _used;

        public object? Call(Arguments arguments)
        {
            var text = _used ? separator : Text.Empty;
            _used = true;
            return text;
        }

        public bool TryAttribute(string name, out object? value)
        {
            value = name switch { "sep" => separator, "used" => _used, _ => null };
            return value is not null;
        }
    }
}
