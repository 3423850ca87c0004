using System.Globalization;
using System.Numerics;
using System.Text;
using FalconMamba.ChatTemplates.Runtime;

namespace FalconMamba.ChatTemplates.Values;

/// <summary>Values as Python prints them.</summary>
internal static class Representation
{
    /// <summary>Python's <c>str</c>.</summary>
    public static Text Str(object? value) => value switch
    {
        Text text => text,
        Undefined => Text.Empty,
        bool or BigInteger or double or null => Text.Trusted(Scalar(value)),
        _ => Of(value),
    };

    /// <summary>Python's <c>repr</c>.</summary>
    public static Text Of(object? value)
    {
        var builder = new TextBuilder();
        Write(builder, value);
        return builder.ToText();
    }

    /// <summary>Python's <c>ascii</c>: other characters than ASCII become escapes.</summary>
    public static Text Ascii(object? value)
    {
        var text = Of(value);
        var builder = new TextBuilder();
        foreach (var (start, length, trusted) in text.Runs())
            foreach (var code in Characters.CodePoints(text.Value.Substring(start, length)))
                builder.Append(code < 0x80 ? [(char)code] : EscapeCode(code), trusted);
        return builder.ToText();
    }

    /// <summary>A float as short as it can be without being another one.</summary>
    public static string Float(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        var parts = value.ToString("E16", CultureInfo.InvariantCulture);
        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        var exponent = value == 0 ? 0 : int.Parse(parts.AsSpan(parts.IndexOf('E') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var digits = new string([.. shortest.TrimStart('-').TakeWhile(static c => c != 'E').Where(char.IsAsciiDigit)]).TrimStart('0');

        // The shortest digits may round up to the next power of ten, where the exponent of seventeen digits does not.
        if (shortest.Contains('E')) exponent = int.Parse(shortest.AsSpan(shortest.IndexOf('E') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        digits = digits.TrimEnd('0');
        if (digits.Length == 0) digits = "0";
        var sign = double.IsNegative(value) ? "-" : "";
        if (exponent is < -4 or >= 16)
        {
            var mantissa = digits.Length == 1 ? digits : $"{digits[0]}.{digits.AsSpan(1)}";
            return string.Create(CultureInfo.InvariantCulture, $"{sign}{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        }

        if (exponent < 0) return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        return digits.Length <= exponent + 1
            ? $"{sign}{digits.PadRight(exponent + 1, '0')}.0"
            : $"{sign}{digits.AsSpan(0, exponent + 1)}.{digits.AsSpan(exponent + 1)}";
    }

    /// <summary>An integer; one of thousands of digits is refused, as Python refuses it.</summary>
    public static string Integer(BigInteger value) => value.GetBitLength() <= 14_280
        ? value.ToString(CultureInfo.InvariantCulture)
        : throw Fault.Runtime("an integer has too many digits to be printed");

    private static string Scalar(object? value) => value switch
    {
        null => "None",
        true => "True",
        false => "False",
        BigInteger integer => Integer(integer),
        double number => Float(number),
        _ => "",
    };

    private static void Write(TextBuilder builder, object? value)
    {
        Budget.Current.Step();
        Budget.EnsureStack();
        switch (value)
        {
            case Text text:
                WriteText(builder, text);
                break;
            case Undefined:
                builder.Append("Undefined");
                break;
            case ListValue list:
                WriteItems(builder, "[", list.Items, "]");
                break;
            case TupleValue { Items.Length: 1 } tuple:
                WriteItems(builder, "(", tuple.Items, ",)");
                break;
            case TupleValue tuple:
                WriteItems(builder, "(", tuple.Items, ")");
                break;
            case DictValue dict:
                WriteDict(builder, dict);
                break;
            case DictView view:
                builder.Append(view.TypeName);
                WriteItems(builder, "([", view.Items, "])");
                break;
            case RangeValue range:
                builder.Append($"range({Integer(range.Start)}, {Integer(range.Stop)}{(range.Step.IsOne ? "" : $", {Integer(range.Step)}")})");
                break;
            case BytesValue bytes:
                WriteBytes(builder, bytes.Bytes);
                break;
            case NamespaceValue space:
                builder.Append("<Namespace ");
                WriteDict(builder, space.Attributes);
                builder.Append(">");
                break;
            case Macro macro:
                builder.Append($"<Macro '{macro.Name}'>");
                break;
            case Loop loop:
                builder.Append($"<LoopContext {loop.Index}/{loop.Length}>");
                break;
            case null or bool or BigInteger or double:
                builder.Append(Scalar(value));
                break;
            default:
                builder.Append($"<{Kinds.Of(value)} object>");
                break;
        }
    }

    private static void WriteItems(TextBuilder builder, string opening, IEnumerable<object?> items, string closing)
    {
        builder.Append(opening);
        var first = true;
        foreach (var item in items)
        {
            if (!first) builder.Append(", ");
            first = false;
            Write(builder, item);
        }

        builder.Append(closing);
    }

    private static void WriteDict(TextBuilder builder, DictValue dict)
    {
        builder.Append("{");
        var first = true;
        foreach (var (key, value) in dict.Items)
        {
            if (!first) builder.Append(", ");
            first = false;
            Write(builder, key);
            builder.Append(": ");
            Write(builder, value);
        }

        builder.Append("}");
    }

    private static void WriteText(TextBuilder builder, Text text)
    {
        var quote = text.Value.Contains('\'') && !text.Value.Contains('"') ? '"' : '\'';
        if (text.IsMarkup) builder.Append("Markup(");
        builder.Append([quote]);
        foreach (var (start, length, trusted) in text.Runs())
            foreach (var rune in Runes(text.Value.Substring(start, length)))
                builder.Append(Escape(rune, quote), trusted);
        builder.Append([quote]);
        if (text.IsMarkup) builder.Append(")");
    }

    private static IEnumerable<string> Runes(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var size = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]) ? 2 : 1;
            yield return text.Substring(i, size);
            i += size - 1;
        }
    }

    private static string Escape(string character, char quote)
    {
        var code = character.Length == 2 ? char.ConvertToUtf32(character[0], character[1]) : character[0];
        return code switch
        {
            '\\' => @"\\",
            '\n' => @"\n",
            '\r' => @"\r",
            '\t' => @"\t",
            _ when code == quote => $"\\{quote}",
            >= ' ' and < 0x7F => character,
            _ when Characters.IsPrintable(code) => character,
            _ => EscapeCode(code),
        };
    }

    private static string EscapeCode(int code) => code < 0x100 ? $"\\x{code:x2}" : code < 0x10000 ? $"\\u{code:x4}" : $"\\U{code:x8}";

    private static void WriteBytes(TextBuilder builder, byte[] bytes)
    {
        var quote = bytes.Contains((byte)'\'') && !bytes.Contains((byte)'"') ? '"' : '\'';
        var text = new StringBuilder();
        foreach (var value in bytes) text.Append(value is >= 0x80 or 0x7F ? $"\\x{value:x2}" : Escape(((char)value).ToString(), quote));

        // Bytes come from texts, and their trust is lost on the way.
        builder.Append($"b{quote}").Append(text.ToString(), trusted: false).Append([quote]);
    }
}
