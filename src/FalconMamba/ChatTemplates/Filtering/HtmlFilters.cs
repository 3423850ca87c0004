using System.Buffers;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using FalconMamba.ChatTemplates.Methods;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Filtering;

/// <summary>Filters for HTML and addresses. A text they change is trusted as a whole or not at all.</summary>
internal static partial class HtmlFilters
{
    private static readonly SearchValues<char> BreakNames = SearchValues.Create(" \t\n\r\f\v/>=");

    /// <summary><c>striptags</c>.</summary>
    public static Text StripTags(Text text)
    {
        var plain = Cut(Cut(text.Value, "<!--", "-->"), "<", ">");
        var words = TextCutting.SplitAtSpace(Text.Of(plain, text.IsTrusted), int.MaxValue, fromEnd: false).Cast<Text>();
        var joined = TextBuilder.Join(Text.Of(" ", text.IsTrusted), words);
        return Text.Of(WebUtility.HtmlDecode(joined.Value), text.IsTrusted);
    }

    /// <summary><c>urlencode</c>.</summary>
    public static Text UrlEncode(object? value)
    {
        if (value is Text or BytesValue || Sequences.TryItems(value) is null) return Quote(value, isQuery: false);
        var pairs = value is DictValue dict ? dict.Items.Select(static item => (item.Key, item.Value)) : Sequences.ToList(value).Select(static item =>
            Sequences.ToList(item) is [var key, var content] ? (key, content) : throw Fault.Runtime("pairs were expected to encode"));
        return TextBuilder.Join(Text.Trusted("&"), pairs.Select(static pair => new TextBuilder().Append(Quote(pair.Item1, true)).Append("=").Append(Quote(pair.Item2, true)).ToText()));
    }

    /// <summary><c>xmlattr</c>.</summary>
    public static Text XmlAttributes(bool isEscaping, object? value, Arguments arguments)
    {
        var spaced = arguments.Bind("xmlattr", "autospace?").Flag(0, missing: true);
        if (value is not DictValue dict) throw Fault.Unfit("a dict of attributes", value);
        var builder = new TextBuilder();
        foreach (var (key, content) in dict.Items)
        {
            if (content is null or Undefined) continue;
            if (Kinds.ToText(key).Value.AsSpan().ContainsAny(BreakNames)) throw Fault.Runtime("an attribute's name holds a character that it may not");
            if (builder.Length > 0 || spaced) builder.Append(" ");
            builder.Append(Markup.Escape(key)).Append("=\"").Append(Markup.Escape(content)).Append("\"");
        }

        return builder.ToText().WithMarkup(isEscaping);
    }

    /// <summary><c>urlize</c>.</summary>
    public static Text Urlize(bool isEscaping, object? value, Arguments arguments)
    {
        var bound = arguments.Bind("urlize", "trim_url_limit?", "nofollow?", "target?", "rel?", "extra_schemes?");
        var text = Markup.Escape(value);
        var most = bound[0] is null ? int.MaxValue : bound.Int(0, 0);
        var rel = TextCutting.SplitAtSpace(bound.TextOrNone(3) ?? Text.Empty, int.MaxValue, false).Select(static part => ((Text)part!).Value)
            .Concat(bound.Flag(1) ? ["noopener", "nofollow"] : ["noopener"]).Distinct().Order(StringComparer.Ordinal);
        var attributes = $" rel=\"{Markup.Escape(Text.Trusted(string.Join(' ', rel))).Value}\"";
        if (bound.TextOrNone(2) is { } target) attributes += $" target=\"{Markup.Escape(target).Value}\"";
        var schemes = bound[4] is { } extra ? Sequences.ToList(extra).Select(static scheme => Kinds.ToText(scheme).Value).ToArray() : [];
        var result = Words().Replace(text.Value, match => Link(match.Value, attributes, most, schemes));
        Budget.Current.Build(result.Length);
        return Text.Of(result, text.IsTrusted).WithMarkup(isEscaping);
    }

    private static string Cut(string text, string opening, string closing)
    {
        var kept = new StringBuilder();
        var place = 0;
        while (text.IndexOf(opening, place, StringComparison.Ordinal) is >= 0 and var start && text.IndexOf(closing, start, StringComparison.Ordinal) is >= 0 and var end)
        {
            kept.Append(text, place, start - place);
            place = end + closing.Length;
        }

        return kept.Append(text, place, text.Length - place).ToString();
    }

    private static Text Quote(object? value, bool isQuery)
    {
        var text = Representation.Str(value);
        var bytes = value is BytesValue given ? given.Bytes : Encoding.UTF8.GetBytes(text.Value);
        Budget.Current.Build(bytes.Length * 3L);
        var quoted = new StringBuilder();
        foreach (var unit in bytes)
        {
            if (char.IsAsciiLetterOrDigit((char)unit) || unit is (byte)'_' or (byte)'.' or (byte)'-' or (byte)'~' || (unit == '/' && !isQuery)) quoted.Append((char)unit);
            else if (unit == ' ' && isQuery) quoted.Append('+');
            else quoted.Append('%').Append(unit.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }

        return Text.Of(quoted.ToString(), text.IsTrusted);
    }

    private static string Link(string word, string attributes, int most, string[] schemes)
    {
        var head = Opening().Match(word).Value;
        var middle = word[head.Length..];
        var tail = Closing().Match(middle).Value;
        middle = middle[..^tail.Length];
        foreach (var (opening, closing) in new[] { ("(", ")"), ("<", ">"), ("&lt;", "&gt;") })
        {
            var missing = Count(middle, opening) - Count(middle, closing);
            if (missing <= 0) continue;
            for (var moves = Math.Min(Count(middle, opening), Count(tail, closing)); moves > 0; moves--)
            {
                var end = tail.IndexOf(closing, StringComparison.Ordinal) + closing.Length;
                middle += tail[..end];
                tail = tail[end..];
            }
        }

        var shown = middle.Length > most ? $"{middle.AsSpan(0, most)}..." : middle;
        if (WebAddress().IsMatch(middle))
        {
            var scheme = middle.StartsWith("https://", StringComparison.Ordinal) || middle.StartsWith("http://", StringComparison.Ordinal) ? "" : "https://";
            middle = $"<a href=\"{scheme}{middle}\"{attributes}>{shown}</a>";
        }
        else if (middle.StartsWith("mailto:", StringComparison.Ordinal) && MailAddress().IsMatch(middle[7..]))
        {
            middle = $"<a href=\"{middle}\">{middle.AsSpan(7)}</a>";
        }
        else if (middle.Contains('@') && !middle.StartsWith("www.", StringComparison.Ordinal) && middle[0] != '@' && !middle.Contains(':') && MailAddress().IsMatch(middle))
        {
            middle = $"<a href=\"mailto:{middle}\">{middle}</a>";
        }
        else if (Array.Exists(schemes, scheme => middle != scheme && middle.StartsWith(scheme, StringComparison.Ordinal)))
        {
            middle = $"<a href=\"{middle}\"{attributes}>{middle}</a>";
        }

        return head + middle + tail;
    }

    private static int Count(string text, string part) => text.AsSpan().Count(part);

    [GeneratedRegex(@"\S+", RegexOptions.NonBacktracking)]
    private static partial Regex Words();

    [GeneratedRegex(@"^(?:[(<]|&lt;)+", RegexOptions.NonBacktracking)]
    private static partial Regex Opening();

    [GeneratedRegex(@"(?:[)>.,\n]|&gt;)+\z", RegexOptions.NonBacktracking)]
    private static partial Regex Closing();

    [GeneratedRegex(
        @"^(?:(?:https?://|www\.)(?:(?:[\w%-]+\.)+)?(?:[a-z]{2,63}|xn--[\w%]{2,59})|(?:[\w%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)|https?://(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[(?:[0-9a-f]{0,4}:){2}(?:[0-9a-f]{0,4}:?){1,6}\]))(?::[0-9]{1,5})?(?:[/?#]\S*)?\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex WebAddress();

    [GeneratedRegex(@"^\S+@\w[\w.-]*\.\w+\z", RegexOptions.NonBacktracking)]
    private static partial Regex MailAddress();
}
