using System.Collections.Frozen;
using System.Numerics;
using FalconMamba.ChatTemplates.Formatting;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Filtering;

/// <summary>What stands behind <c>|</c>.</summary>
internal static class Filters
{
    private delegate object? Filter(Evaluator evaluator, object? value, Arguments arguments);

    private static readonly FrozenDictionary<string, Filter> Table = new Dictionary<string, Filter>
    {
        ["abs"] = static (_, value, arguments) => NumberFilters.Abs(value, arguments),
        ["attr"] = static (_, value, arguments) => Attributes.Attribute(value, arguments.Bind("attr", "name").Text(0).Value),
        ["batch"] = static (_, value, arguments) => SequenceFilters.Batch(value, arguments),
        ["capitalize"] = static (_, value, _) => LetterCase.Capitalize(Representation.Str(value)),
        ["center"] = static (_, value, arguments) => TextFilters.Center(value, arguments),
        ["count"] = static (_, value, _) => new BigInteger(Sequences.Length(value)),
        ["d"] = static (_, value, arguments) => Default(value, arguments),
        ["default"] = static (_, value, arguments) => Default(value, arguments),
        ["dictsort"] = static (_, value, arguments) => OrderFilters.DictSort(value, arguments),
        ["e"] = static (_, value, _) => Markup.Escape(value),
        ["escape"] = static (_, value, _) => Markup.Escape(value),
        ["filesizeformat"] = static (_, value, arguments) => NumberFilters.FileSize(value, arguments),
        ["first"] = static (_, value, _) => SequenceFilters.First(value),
        ["float"] = static (_, value, arguments) => NumberFilters.Float(value, arguments),
        ["forceescape"] = static (_, value, _) => Markup.EscapeAlways(Representation.Str(value)),
        ["format"] = static (_, value, arguments) => Format(value, arguments),
        ["groupby"] = static (_, value, arguments) => OrderFilters.GroupBy(value, arguments),
        ["indent"] = static (_, value, arguments) => TextFilters.Indent(value, arguments),
        ["int"] = static (_, value, arguments) => NumberFilters.Int(value, arguments),
        ["items"] = static (_, value, _) => SequenceFilters.Pairs(value),
        ["join"] = static (evaluator, value, arguments) => TextFilters.Join(evaluator.IsEscaping, value, arguments),
        ["last"] = static (_, value, _) => SequenceFilters.Last(value),
        ["length"] = static (_, value, _) => new BigInteger(Sequences.Length(value)),
        ["list"] = static (_, value, _) => new ListValue(Sequences.ToList(value)),
        ["lower"] = static (_, value, _) => LetterCase.Lower(Representation.Str(value)),
        ["map"] = static (evaluator, value, arguments) => SequenceFilters.Map(evaluator, value, arguments),
        ["max"] = static (_, value, arguments) => OrderFilters.Extreme(value, arguments, "max"),
        ["min"] = static (_, value, arguments) => OrderFilters.Extreme(value, arguments, "min"),
        ["pprint"] = static (_, value, _) => PrettyPrint.Of(value),
        ["random"] = static (_, value, _) => SequenceFilters.Any(value),
        ["reject"] = static (_, value, arguments) => SequenceFilters.Select(value, arguments, wants: false, byAttribute: false),
        ["rejectattr"] = static (_, value, arguments) => SequenceFilters.Select(value, arguments, wants: false, byAttribute: true),
        ["replace"] = static (evaluator, value, arguments) => TextFilters.Replace(evaluator.IsEscaping, value, arguments),
        ["reverse"] = static (_, value, _) => SequenceFilters.Reverse(value),
        ["round"] = static (_, value, arguments) => NumberFilters.Round(value, arguments),
        ["safe"] = static (_, value, _) => Representation.Str(value).WithMarkup(true),
        ["select"] = static (_, value, arguments) => SequenceFilters.Select(value, arguments, wants: true, byAttribute: false),
        ["selectattr"] = static (_, value, arguments) => SequenceFilters.Select(value, arguments, wants: true, byAttribute: true),
        ["slice"] = static (_, value, arguments) => SequenceFilters.Slice(value, arguments),
        ["sort"] = static (_, value, arguments) => OrderFilters.Sort(value, arguments),
        ["string"] = static (_, value, _) => Representation.Str(value),
        ["striptags"] = static (_, value, _) => HtmlFilters.StripTags(Representation.Str(value)),
        ["sum"] = static (_, value, arguments) => NumberFilters.Sum(value, arguments),
        ["title"] = static (_, value, _) => TextFilters.Title(Representation.Str(value)),
        ["tojson"] = static (_, value, arguments) => TextFilters.ToJson(value, arguments),
        ["trim"] = static (_, value, arguments) => TextFilters.Trim(value, arguments),
        ["truncate"] = static (_, value, arguments) => TextFilters.Truncate(value, arguments),
        ["unique"] = static (_, value, arguments) => OrderFilters.Unique(value, arguments),
        ["upper"] = static (_, value, _) => LetterCase.Upper(Representation.Str(value)),
        ["urlencode"] = static (_, value, _) => HtmlFilters.UrlEncode(value),
        ["urlize"] = static (evaluator, value, arguments) => HtmlFilters.Urlize(evaluator.IsEscaping, value, arguments),
        ["wordcount"] = static (_, value, _) => TextFilters.WordCount(Representation.Str(value)),
        ["wordwrap"] = static (_, value, arguments) => WordWrap.Apply(value, arguments),
        ["xmlattr"] = static (evaluator, value, arguments) => HtmlFilters.XmlAttributes(evaluator.IsEscaping, value, arguments),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenSet<string> WithoutArguments = FrozenSet.Create(
        "capitalize", "count", "e", "escape", "first", "forceescape", "items", "last", "length", "list", "lower", "pprint", "random", "reverse", "safe", "string",
        "striptags", "title", "upper", "urlencode", "wordcount");

    /// <summary>Whether there is such a filter.</summary>
    public static bool Exists(string name) => Table.ContainsKey(name);

    /// <summary>Applies a filter.</summary>
    /// <exception cref="Fault">There is no such filter, or it does not suit the value.</exception>
    public static object? Apply(Evaluator evaluator, string name, object? value, Arguments arguments)
    {
        if (!Table.TryGetValue(name, out var filter)) throw Fault.Runtime($"there is no filter \"{FalconMamba.Formats.Excerpt.Of(name)}\"");
        if (WithoutArguments.Contains(name)) arguments.Bind(name);
        if (value is Text text) Budget.Current.Step(text.Value.Length >> 6);
        return filter(evaluator, value, arguments);
    }

    private static object? Default(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("default", "default_value?", "boolean?");
        return value is Undefined || (bound.Flag(1) && !Kinds.IsTrue(value)) ? bound.Or(0, Text.Empty) : value;
    }

    private static Text Format(object? value, Arguments arguments)
    {
        if (arguments.Positional.Count > 0 && arguments.Named.Count > 0) throw Fault.Runtime("format takes values by place or by name, not both");
        object values = arguments.Named.Count > 0
            ? arguments.NamedValues
            : new TupleValue([.. arguments.Positional]);
        return PercentFormat.Apply(Representation.Str(value), values);
    }
}
