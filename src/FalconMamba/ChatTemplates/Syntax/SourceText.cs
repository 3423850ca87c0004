namespace FalconMamba.ChatTemplates.Syntax;

/// <summary>A template's source with line feeds only, less the last one, as Jinja reads it.</summary>
internal sealed class SourceText
{
    /// <summary>Takes over a source.</summary>
    public SourceText(string source)
    {
        Value = NormalizeLineFeeds(source);
        if (Value.EndsWith('\n')) Value = Value[..^1];
    }

    /// <summary>The source.</summary>
    public string Value { get; }

    /// <summary>A refusal of the template at a place.</summary>
    public ChatTemplateException Error(ChatTemplateErrorKind kind, string detail, int offset, Exception? innerException = null)
    {
        var before = Value.AsSpan(0, Math.Min(offset, Value.Length));
        return new ChatTemplateException(kind, detail, before.Count('\n') + 1, before.Length - before.LastIndexOf('\n'), innerException);
    }

    /// <summary>A refusal of its syntax.</summary>
    public ChatTemplateException Wrong(string detail, int offset) => Error(ChatTemplateErrorKind.Syntax, detail, offset);

    /// <summary>Makes every line end a line feed.</summary>
    public static string NormalizeLineFeeds(string text) =>
        text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
}
