using System.Globalization;
using System.Numerics;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Formatting;

/// <summary>What stands behind the colon of a field: fill, alignment, sign, width, grouping, precision and kind.</summary>
internal sealed class FieldSpecification
{
    private string _fill = " ";
    private char _alignment, _sign = '-', _kind, _grouping;
    private bool _isAlternate;
    private int _width;
    private int? _precision;
    private bool _isTrusted;

    /// <summary>Formats a value.</summary>
    /// <exception cref="Fault">The specification does not suit it.</exception>
    public static Text Apply(object? value, Text specification)
    {
        if (specification.Value.Length == 0) return Representation.Str(value);
        var parsed = Parse(specification.Value);
        parsed._isTrusted = specification.IsTrusted;
        switch (value)
        {
            case Text text: return parsed.FormatText(text);
            case double number: return parsed.FormatFloat(number, parsed._kind);
            case BigInteger or bool:
                Kinds.TryInteger(value, out var integer);
                return parsed.FormatInteger(integer);
            default: throw Fault.Expected("a string or a number for a format with a specification", value);
        }
    }

    private static FieldSpecification Parse(string text)
    {
        var result = new FieldSpecification();
        var characters = Characters.CodePoints(text).Select(Characters.ToText).ToArray();
        var place = 0;
        if (characters.Length > 1 && characters[1] is "<" or ">" or "=" or "^")
        {
            (result._fill, result._alignment) = (characters[0], characters[1][0]);
            place = 2;
        }
        else if (Take("<", ">", "=", "^") is { } alignment)
        {
            result._alignment = alignment;
        }

        if (Take("+", "-", " ") is { } sign) result._sign = sign;
        _ = Take("z");
        result._isAlternate = Take("#") is not null;
        if (Take("0") is not null && result._alignment == 0) (result._fill, result._alignment) = ("0", '=');
        result._width = Number() ?? 0;
        if (Take(",", "_") is { } grouping) result._grouping = grouping;
        if (Take(".") is not null) result._precision = Number() ?? throw Broken();
        if (place < characters.Length && characters[place].Length == 1) result._kind = characters[place++][0];
        return place == characters.Length ? result : throw Broken();

        char? Take(params ReadOnlySpan<string> signs) => place < characters.Length && signs.Contains(characters[place]) ? characters[place++][0] : null;

        int? Number()
        {
            var start = place;
            while (place < characters.Length && characters[place] is [>= '0' and <= '9']) place++;
            if (place == start) return null;
            return int.TryParse(string.Concat(characters[start..place]), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw Fault.Limit("a width of the format is too large");
        }

        static Fault Broken() => Fault.Runtime("a specification of the format is broken");
    }

    private Text FormatText(Text text)
    {
        if (_kind is not ('\0' or 's') || _alignment == '=' && _fill != "0" || _sign != '-' || _grouping != 0 || _isAlternate) throw Fault.Runtime("a specification of the format does not suit a string");
        if (_precision is { } most && most < text.Length) text = text[..text.OffsetOf(most)];
        return Pad(text, _alignment is '\0' or '=' ? '<' : _alignment);
    }

    private Text FormatInteger(BigInteger value)
    {
        if (_kind is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%') return FormatFloat(Kinds.TryFloat(value, out var number) ? number : 0, _kind);
        if (_precision is not null) throw Fault.Runtime("a specification of the format has a precision for an integer");
        if (_kind == 'c')
        {
            var code = Kinds.ToInt(value);
            return Pad(Text.Untrusted(Characters.ToText(code is >= 0 and <= 0x10FFFF ? code : throw Fault.Expected("a code point", value))), _alignment is '\0' ? '<' : _alignment);
        }

        var radix = _kind switch { '\0' or 'd' or 'n' => 10, 'b' => 2, 'o' => 8, 'x' or 'X' => 16, _ => throw Fault.Runtime("a specification of the format does not suit an integer") };
        var digits = Radix.Digits(BigInteger.Abs(value), radix);
        if (_kind == 'X') digits = digits.ToUpperInvariant();
        return PadNumber(value.Sign < 0, _isAlternate && radix != 10 ? $"0{_kind}" : "", digits, "", radix == 10 ? 3 : 4);
    }

    private Text FormatFloat(double value, char kind)
    {
        var text = char.ToLowerInvariant(kind) switch
        {
            '\0' when _precision is null => Representation.Float(value),
            '\0' => WithPoint(NumberFormat.General(value, _precision ?? 6, _isAlternate)),
            'e' => NumberFormat.Exponential(value, _precision ?? 6),
            'f' => NumberFormat.Fixed(value, _precision ?? 6),
            'g' or 'n' => NumberFormat.General(value, _precision ?? 6, _isAlternate),
            '%' => NumberFormat.Fixed(value * 100, _precision ?? 6) + "%",
            _ => throw Fault.Runtime("a specification of the format does not suit a float"),
        };
        if (char.IsUpper(kind)) text = text.ToUpperInvariant();
        var isNegative = text.StartsWith('-');
        if (isNegative) text = text[1..];
        var end = text.AsSpan().IndexOfAny('.', 'e', 'E') is >= 0 and var place ? place : text.Length;
        if (text.EndsWith('%') && end == text.Length) end--;
        return PadNumber(isNegative, "", text[..end], text[end..], 3);
    }

    private static string WithPoint(string number) => number.AsSpan().ContainsAny('.', 'e', 'n') ? number : $"{number}.0";

    private Text PadNumber(bool isNegative, string prefix, string digits, string rest, int group)
    {
        var sign = isNegative ? "-" : _sign == '-' ? "" : _sign.ToString();
        var alignment = _alignment == 0 ? '>' : _alignment;
        if (_grouping != 0)
        {
            // Zeros that fill are grouped too.
            var least = alignment == '=' && _fill == "0" ? _width - sign.Length - prefix.Length - rest.Length : 0;
            digits = Group(digits, group, least);
        }

        if (alignment != '=') return Pad(Text.Trusted(sign + prefix + digits + rest), alignment);
        var missing = (long)_width - sign.Length - prefix.Length - digits.Length - rest.Length;
        return new TextBuilder().Append(sign).Append(prefix).Repeat(Text.Of(_fill, _isTrusted), missing).Append(digits).Append(rest).ToText();
    }

    private string Group(string digits, int size, int least)
    {
        Budget.Current.Build(Math.Max(least, digits.Length * 2L));
        var groups = new List<string>();
        var length = 0;
        for (var end = digits.Length; end > 0 || length < least; end -= size)
        {
            var part = end > 0 ? digits[Math.Max(0, end - size)..end] : "";
            var room = least - length - (groups.Count > 0 ? 1 : 0);
            part = part.PadLeft(Math.Clamp(room, 0, size), '0');
            if (part.Length == 0) part = "0";
            length += part.Length + (groups.Count > 0 ? 1 : 0);
            groups.Add(part);
        }

        groups.Reverse();
        return string.Join(_grouping, groups);
    }

    private Text Pad(Text text, char alignment)
    {
        var missing = (long)_width - text.Length;
        if (missing <= 0) return text;
        var before = alignment switch { '<' => 0, '^' => missing / 2, _ => missing };
        var fill = Text.Of(_fill, _isTrusted);
        return new TextBuilder().Repeat(fill, before).Append(text).Repeat(fill, missing - before).ToText();
    }
}
