using System.Numerics;
using FalconMamba.ChatTemplates.Methods;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Filtering;

/// <summary>Filters of texts.</summary>
internal static class TextFilters
{
    private static readonly Text LineFeed = Text.Trusted("\n");

    /// <summary><c>center</c>.</summary>
    public static object? Center(object? value, Arguments arguments) =>
        StringMethods.Find("center")!(Representation.Str(value), new Arguments([arguments.Bind("center", "width?").Or(0, new BigInteger(80))], []));

    /// <summary><c>trim</c>.</summary>
    public static Text Trim(object? value, Arguments arguments) => TextCutting.Strip(Representation.Str(value), arguments.Bind("trim", "chars?").TextOrNone(0));

    /// <summary><c>replace</c>.</summary>
    public static Text Replace(bool isEscaping, object? value, Arguments arguments)
    {
        var bound = arguments.Bind("replace", "old", "new", "count?");
        var (text, old, replacement) = (Representation.Str(value), Representation.Str(bound[0]), Representation.Str(bound[1]));
        var count = bound[2] is null ? -1 : bound.Int(2, -1);
        if (!isEscaping) return TextCutting.Replace(text.WithMarkup(false), old, replacement, count);
        if (old.IsMarkup || (replacement.IsMarkup && !text.IsMarkup)) text = Markup.Escape(text);
        return text.IsMarkup
            ? TextCutting.Replace(text, old, Markup.Escape(replacement), count)
            : TextCutting.Replace(text, old, replacement, count);
    }

    /// <summary><c>join</c>.</summary>
    public static Text Join(bool isEscaping, object? value, Arguments arguments)
    {
        var bound = arguments.Bind("join", "d?", "attribute?");
        var separator = Representation.Str(bound.Or(0, Text.Empty));
        var path = AttributePath.Parse(bound[1]);
        var items = Sequences.ToList(value).Select(path.Of).ToList();
        var escapes = isEscaping && (separator.IsMarkup || items.Exists(static item => item is Text { IsMarkup: true }));
        if (!escapes) return TextBuilder.Join(separator, items.Select(Representation.Str));
        return TextBuilder.Join(Markup.Escape(separator), items.Select(Markup.Escape)).WithMarkup(true);
    }

    /// <summary><c>title</c>: words begin behind blanks, dashes and opening brackets.</summary>
    public static Text Title(Text text)
    {
        var builder = new TextBuilder();
        for (var start = 0; start < text.Value.Length;)
        {
            var end = start + 1;
            while (end < text.Value.Length && IsBetweenWords(text.Value[end]) == IsBetweenWords(text.Value[start])) end++;
            var first = char.IsSurrogatePair(text.Value, start) ? 2 : 1;
            builder.Append(LetterCase.Upper(text.Cut(start, first))).Append(LetterCase.Lower(text[(start + first)..end]));
            start = end;
        }

        return builder.ToText();
    }

    /// <summary><c>indent</c>.</summary>
    public static Text Indent(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("indent", "width?", "first?", "blank?");
        var text = value as Text ?? throw Fault.Unfit("a string to indent", value);
        var indent = bound.Or(0, new BigInteger(4)) is Text given ? given : new TextBuilder().Repeat(Text.Trusted(" "), bound.Int(0, 4)).ToText();
        if (text.IsMarkup) indent = Markup.Escape(indent);
        var lines = TextCutting.Lines(Markup.Add(text, LineFeed)).ToList();
        var builder = new TextBuilder();
        for (var i = 0; i < lines.Count; i++)
        {
            if (i > 0) builder.Append(LineFeed);
            if (i == 0 ? bound.Flag(1) : bound.Flag(2) || lines[i].Value.Length > 0) builder.Append(indent);
            builder.Append(lines[i]);
        }

        return builder.ToText().WithMarkup(text.IsMarkup);
    }

    /// <summary><c>truncate</c>.</summary>
    public static Text Truncate(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("truncate", "length?", "killwords?", "end?", "leeway?");
        if (value is Undefined) return Text.Empty;
        var text = Kinds.ToText(value);
        var end = bound.Text(2, "...");
        var length = bound.Int(0, 255);
        var leeway = bound[3] is null ? 5 : bound.Int(3, 5);
        if (length < end.Length || leeway < 0) throw Fault.Runtime("truncate needs a length that holds the end mark, and a leeway of 0 or above");
        if (text.Length <= (long)length + leeway) return text;
        var kept = text[..text.OffsetOf(length - end.Length)];
        if (!bound.Flag(1) && kept.Value.LastIndexOf(' ') is >= 0 and var space) kept = kept[..space];
        return Markup.Add(kept, end);
    }

    /// <summary><c>wordcount</c>.</summary>
    public static BigInteger WordCount(Text text)
    {
        var (count, isInWord) = (0, false);
        foreach (var code in Characters.CodePoints(text.Value))
        {
            var isPart = code == '_' || Characters.IsAlphanumeric(code);
            if (isPart && !isInWord) count++;
            isInWord = isPart;
        }

        return count;
    }

    /// <summary><c>tojson</c> as transformers has it: JSON for people, not for HTML.</summary>
    public static Text ToJson(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("tojson", "ensure_ascii?", "indent?", "separators?", "sort_keys?");
        var layout = new JsonLayout { EnsureAscii = bound.Flag(0), SortKeys = bound.Flag(3) };
        if (bound[1] is { } indent)
        {
            layout = layout with
            {
                Indent = indent as Text ?? new TextBuilder().Repeat(Text.Trusted(" "), Kinds.ToInt(indent)).ToText(),
                ItemSeparator = Text.Trusted(","),
            };
        }

        if (bound[2] is { } separators)
        {
            if (Sequences.ToList(separators) is not [var items, var keys]) throw Fault.Runtime("tojson needs two separators: between items, and behind keys");
            layout = layout with { ItemSeparator = Kinds.ToText(items), KeySeparator = Kinds.ToText(keys) };
        }

        return Json.Write(value, layout);
    }

    private static bool IsBetweenWords(char unit) => Characters.IsSpace(unit) || unit is '-' or '(' or '{' or '[' or '<';
}
