using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Methods;

/// <summary>The methods of dicts that change nothing.</summary>
internal static class DictMethods
{
    /// <summary>A method by its name.</summary>
    public static Func<DictValue, Arguments, object?>? Find(string name) => name switch
    {
        "get" => static (dict, arguments) => Get(dict, arguments),
        "items" or "keys" or "values" => (dict, arguments) => View(dict, arguments, name),
        "copy" => static (dict, _) => new DictValue().SetAll(dict),
        "fromkeys" => static (_, arguments) => FromKeys(arguments),
        _ => null,
    };

    /// <summary>A dict of some keys with one value.</summary>
    public static DictValue FromKeys(Arguments arguments)
    {
        var bound = arguments.Bind("fromkeys", "/iterable", "/value?");
        return Sequences.ToList(bound[0]).Aggregate(new DictValue(), (dict, key) => dict.Set(key, bound[1]));
    }

    private static DictView View(DictValue dict, Arguments arguments, string name)
    {
        arguments.Bind(name);
        return new DictView(dict, $"dict_{name}");
    }

    private static object? Get(DictValue dict, Arguments arguments)
    {
        var bound = arguments.Bind("get", "/key", "/default?");
        return dict.TryGet(bound[0], out var value) ? value : bound[1];
    }
}
