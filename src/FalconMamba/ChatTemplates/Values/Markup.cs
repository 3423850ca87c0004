namespace FalconMamba.ChatTemplates.Values;

/// <summary>Texts that count as escaped for HTML; what joins them is escaped too.</summary>
internal static class Markup
{
    /// <summary>A value escaped for HTML, unless it is already.</summary>
    public static Text Escape(object? value)
    {
        var text = Representation.Str(value);
        return text.IsMarkup ? text : EscapeAlways(text);
    }

    /// <summary>A text escaped for HTML.</summary>
    public static Text EscapeAlways(Text text)
    {
        if (!text.Value.AsSpan().ContainsAny("&<>'\"")) return text.WithMarkup(true);
        var builder = new TextBuilder();
        foreach (var (start, length, trusted) in text.Runs())
            foreach (var unit in text.Value.AsSpan(start, length))
                builder.Append(unit switch { '&' => "&amp;", '<' => "&lt;", '>' => "&gt;", '"' => "&#34;", '\'' => "&#39;", _ => [unit] }, trusted);
        return builder.ToText().WithMarkup(true);
    }

    /// <summary>An argument of a method of <paramref name="owner"/>.</summary>
    public static Text For(Text owner, object? value) => owner.IsMarkup ? Escape(value) : Kinds.ToText(value);

    /// <summary>Joins two texts.</summary>
    public static Text Add(Text left, Text right)
    {
        var isMarkup = left.IsMarkup || right.IsMarkup;
        var (a, b) = isMarkup ? (Escape(left), Escape(right)) : (left, right);
        return new TextBuilder().Append(a).Append(b).ToText().WithMarkup(isMarkup);
    }
}
