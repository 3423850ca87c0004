using AngleSharp.Dom;
using AngleSharp.Html.Parser;

namespace FalconMamba.Cli.Documents;

/// <summary>The text of a web page as a reader sees it: no scripts, paragraphs apart.</summary>
internal static class HtmlDocument
{
    private const long MostBytes = 64 << 20;

    private static readonly HashSet<string> Unseen = ["head", "script", "style", "template", "noscript", "svg"];

    private static readonly HashSet<string> Paragraphs = ["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre", "figure", "section", "article"];

    private static readonly HashSet<string> Lines = ["br", "div", "li", "dt", "dd", "tr", "header", "footer", "main", "nav", "aside", "hr", "form", "address", "figcaption", "caption"];

    private static readonly HashSet<string> Cells = ["td", "th"];

    /// <summary>Adds the text of a page.</summary>
    /// <param name="page">The page; its encoding is the one it states, else UTF-8.</param>
    /// <param name="name">The file's name.</param>
    /// <param name="text">Where to.</param>
    public static void AddTo(DocumentText text, Stream page, string name)
    {
        using var bytes = new MemoryStream();
        var block = new byte[1 << 16];
        for (int count; (count = page.Read(block)) > 0; bytes.Write(block, 0, count))
            if (bytes.Length + count > MostBytes) throw new CommandException($"{name} holds a page of more than {Units.Bytes(MostBytes)}: give a part of it.");
        bytes.Position = 0;
        using var document = new HtmlParser().ParseDocument(bytes);
        if (document.Body is { } body) Walk(body, text);
    }

    // A loop, for a page may be nested deeper than a stack.
    private static void Walk(IElement root, DocumentText text)
    {
        INode node = root;
        while (true)
        {
            if (node is IText words)
            {
                if (IsExact(words)) text.AppendExact(words.Data);
                else text.Append(words.Data);
            }
            else
            {
                Separate(node, text);
            }

            if (node.FirstChild is { } child && !(node is IElement element && Unseen.Contains(element.LocalName)))
            {
                node = child;
                continue;
            }

            while (node != root && node.NextSibling is null)
            {
                node = node.Parent!;
                Separate(node, text);
            }

            if (node == root) return;
            node = node.NextSibling!;
        }
    }

    private static bool IsExact(IText words) => words.ParentElement?.LocalName is "pre" || words.ParentElement?.ParentElement?.LocalName is "pre";

    private static void Separate(INode node, DocumentText text)
    {
        if (node is not IElement { LocalName: var name }) return;
        if (Paragraphs.Contains(name)) text.Break(2);
        else if (Lines.Contains(name)) text.Break(1);
        else if (Cells.Contains(name)) text.Append(" ");
    }
}
