using System.Numerics;
using System.Text.Json;
using FalconMamba.ChatTemplates.Runtime;

namespace FalconMamba.ChatTemplates.Values;

/// <summary>How JSON is laid out.</summary>
internal sealed record JsonLayout
{
    /// <summary>Writes other characters than ASCII as escapes.</summary>
    public bool EnsureAscii { get; init; }

    /// <summary>What a level is indented by; null for everything on one line.</summary>
    public Text? Indent { get; init; }

    /// <summary>What stands between items.</summary>
    public Text ItemSeparator { get; init; } = Text.Trusted(", ");

    /// <summary>What stands between a key and its value.</summary>
    public Text KeySeparator { get; init; } = Text.Trusted(": ");

    /// <summary>Sorts keys.</summary>
    public bool SortKeys { get; init; }
}

/// <summary>Values to and from JSON, as Python's <c>json</c> does it.</summary>
internal static class Json
{
    /// <summary>The value of an element from outside: nothing in it is trusted.</summary>
    public static object? Read(JsonElement element)
    {
        Budget.EnsureStack();
        switch (element.ValueKind)
        {
            case JsonValueKind.String: return Text.Untrusted(element.GetString()!);
            case JsonValueKind.True: return true;
            case JsonValueKind.False: return false;
            case JsonValueKind.Number: return ReadNumber(element.GetRawText());
            case JsonValueKind.Array: return new ListValue([.. element.EnumerateArray().Select(Read)]);
            case JsonValueKind.Object:
                var dict = new DictValue();
                foreach (var property in element.EnumerateObject()) dict.Set(Text.Untrusted(property.Name), Read(property.Value));
                return dict;
            default: return null;
        }
    }

    /// <summary>Writes a value.</summary>
    public static Text Write(object? value, JsonLayout layout)
    {
        var builder = new TextBuilder();
        Write(builder, value, layout, 0);
        return builder.ToText();
    }

    private static object ReadNumber(string text) => text.AsSpan().ContainsAny('.', 'e', 'E')
        ? double.Parse(text, System.Globalization.CultureInfo.InvariantCulture)
        : text.Length <= 4300 ? BigInteger.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : throw Fault.Runtime("an integer has too many digits");

    private static void Write(TextBuilder builder, object? value, JsonLayout layout, int level)
    {
        Budget.Current.Step();
        Budget.EnsureStack();
        switch (value)
        {
            case Text text:
                WriteText(builder, text, layout.EnsureAscii);
                break;
            case DictValue dict:
                var items = layout.SortKeys
                    ? Comparison.Sort(dict.Items.Select(static item => (object?)new TupleValue(item.Key, item.Value)), static pair => ((TupleValue)pair!).Items[0])
                        .Select(static pair => (((TupleValue)pair!).Items[0], ((TupleValue)pair).Items[1]))
                    : dict.Items;
                WriteBlock(builder, '{', items, '}', layout, level, item =>
                {
                    WriteText(builder, Key(item.Item1), layout.EnsureAscii);
                    builder.Append(layout.KeySeparator);
                    Write(builder, item.Item2, layout, level + 1);
                });
                break;
            case ListValue or TupleValue:
                WriteBlock(builder, '[', Sequences.Items(value), ']', layout, level, item => Write(builder, item, layout, level + 1));
                break;
            default:
                builder.Append(Scalar(value) ?? throw Fault.Runtime($"a {Kinds.Of(value)} cannot be written as JSON"));
                break;
        }
    }

    private static void WriteBlock<T>(TextBuilder builder, char opening, IEnumerable<T> items, char closing, JsonLayout layout, int level, Action<T> write)
    {
        builder.Append([opening]);
        var first = true;
        foreach (var item in items)
        {
            if (!first) builder.Append(layout.ItemSeparator);
            first = false;
            NewLine(level + 1);
            write(item);
        }

        if (!first) NewLine(level);
        builder.Append([closing]);

        void NewLine(int levels)
        {
            if (layout.Indent is { } indent) builder.Append("\n").Repeat(indent, levels);
        }
    }

    private static Text Key(object? key) => key as Text ?? Text.Trusted(Scalar(key) ?? throw Fault.Runtime($"a {Kinds.Of(key)} cannot be a key in JSON"));

    private static string? Scalar(object? value) => value switch
    {
        null => "null",
        true => "true",
        false => "false",
        BigInteger integer => Representation.Integer(integer),
        double.NaN => "NaN",
        double.PositiveInfinity => "Infinity",
        double.NegativeInfinity => "-Infinity",
        double number => Representation.Float(number),
        _ => null,
    };

    private static void WriteText(TextBuilder builder, Text text, bool ensureAscii)
    {
        builder.Append("\"");
        foreach (var (start, length, trusted) in text.Runs())
        {
            // Runs of characters that stay as they are go over at once.
            var from = start;
            for (var i = start; i < start + length; i++)
            {
                if (Escape(text.Value[i], ensureAscii) is not { } escape) continue;
                builder.Append(text.Value.AsSpan(from, i - from), trusted).Append(escape, trusted);
                from = i + 1;
            }

            builder.Append(text.Value.AsSpan(from, start + length - from), trusted);
        }

        builder.Append("\"");
    }

    private static string? Escape(char unit, bool ensureAscii) => unit switch
    {
        '"' => "\\\"",
        '\\' => @"\\",
        '\n' => @"\n",
        '\r' => @"\r",
        '\t' => @"\t",
        '\f' => @"\f",
        '\b' => @"\b",
        < ' ' => $"\\u{(int)unit:x4}",
        >= '\x7F' when ensureAscii => $"\\u{(int)unit:x4}",
        _ => null,
    };
}
