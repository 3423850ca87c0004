using System.Text;
using FalconMamba.ChatTemplates.Runtime;

namespace FalconMamba.ChatTemplates.Values;

/// <summary>Joins texts and keeps which parts are trusted.</summary>
internal sealed class TextBuilder
{
    private readonly StringBuilder _text = new();
    private readonly List<int> _edges = [];
    private readonly Budget _budget = Budget.Current;
    private bool _trusted = true;

    /// <summary>The length in UTF-16 units.</summary>
    public int Length => _text.Length;

    /// <summary>Appends characters.</summary>
    public TextBuilder Append(ReadOnlySpan<char> text, bool trusted = true)
    {
        if (text.IsEmpty) return this;
        _budget.Build(text.Length);
        _budget.CheckLength(_text.Length + (long)text.Length);
        if (trusted != _trusted)
        {
            _edges.Add(_text.Length);
            _trusted = trusted;
        }

        _text.Append(text);
        return this;
    }

    /// <summary>Appends a text with its trust.</summary>
    public TextBuilder Append(Text text) => Append(text, 0, text.Value.Length);

    /// <summary>Appends a part of a text, in UTF-16 units.</summary>
    public TextBuilder Append(Text text, int start, int length)
    {
        if (text.IsTrusted) return Append(text.Value.AsSpan(start, length));
        foreach (var run in text.Runs(start, length)) Append(text.Value.AsSpan(run.Start, run.Length), run.Trusted);
        return this;
    }

    /// <summary>Appends a character some times.</summary>
    public TextBuilder Repeat(Text text, long count)
    {
        if (count <= 0 || text.Value.Length == 0) return this;
        _budget.CheckLength(_text.Length + Math.Min(count, int.MaxValue) * text.Value.Length);
        for (; count > 0; count--) Append(text);
        return this;
    }

    /// <summary>What was built.</summary>
    public Text ToText() => Text.FromEdges(_text.ToString(), [.. _edges]);

    /// <summary>Joins texts.</summary>
    public static Text Join(Text separator, IEnumerable<Text> texts)
    {
        var builder = new TextBuilder();
        var first = true;
        foreach (var text in texts)
        {
            if (!first) builder.Append(separator);
            first = false;
            builder.Append(text);
        }

        return builder.ToText();
    }
}
