using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Filtering;

/// <summary>The filter <c>pprint</c>: collections that do not fit a line are broken over several, and keys are sorted.</summary>
internal static class PrettyPrint
{
    private const int Width = 80;

    /// <summary>Prints a value.</summary>
    public static Text Of(object? value)
    {
        var builder = new TextBuilder();
        Write(builder, Sort(value), indent: 0, allowance: 0);
        return builder.ToText();
    }

    private static object? Sort(object? value)
    {
        Budget.EnsureStack();
        switch (value)
        {
            case ListValue list: return new ListValue([.. list.Items.Select(Sort)]);
            case TupleValue tuple: return new TupleValue([.. tuple.Items.Select(Sort)]);
            case DictValue dict:
                var sorted = new DictValue();
                foreach (var pair in Comparison.Sort(dict.Items.Select(static item => (object?)new TupleValue(item.Key, item.Value)), static pair => SortKey(((TupleValue)pair!).Items[0])).Cast<TupleValue>())
                    sorted.Set(pair.Items[0], Sort(pair.Items[1]));
                return sorted;
            default: return value;
        }
    }

    // Keys of different kinds have no order among themselves.
    private static TupleValue SortKey(object? key) => new(Text.Trusted(key is Text ? "str" : Arithmetic.IsNumber(key) ? "int" : Kinds.Of(key)), key is Text or double or bool || Arithmetic.IsNumber(key) ? key : Representation.Of(key));

    private static void Write(TextBuilder builder, object? value, int indent, int allowance)
    {
        Budget.EnsureStack();
        var line = Representation.Of(value);
        if (line.Length <= Width - indent - allowance)
        {
            builder.Append(line);
            return;
        }

        switch (value)
        {
            case DictValue dict:
                WriteBlock(builder, "{", [.. dict.Items], "}", indent, allowance, (item, ending) =>
                {
                    var key = Representation.Of(item.Key);
                    builder.Append(key).Append(": ");
                    Write(builder, item.Value, indent + 1 + key.Length + 2, ending);
                });
                break;
            case ListValue list:
                WriteBlock(builder, "[", list.Items, "]", indent, allowance, (item, ending) => Write(builder, item, indent + 1, ending));
                break;
            case TupleValue tuple:
                WriteBlock(builder, "(", tuple.Items, tuple.Items.Length == 1 ? ",)" : ")", indent, allowance, (item, ending) => Write(builder, item, indent + 1, ending));
                break;
            default:
                builder.Append(line);
                break;
        }
    }

    private static void WriteBlock<T>(TextBuilder builder, string opening, IReadOnlyList<T> items, string closing, int indent, int allowance, Action<T, int> write)
    {
        builder.Append(opening);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) builder.Append(",\n").Repeat(Text.Trusted(" "), indent + 1);
            write(items[i], i == items.Count - 1 ? allowance + 1 : 1);
        }

        builder.Append(closing);
    }
}
