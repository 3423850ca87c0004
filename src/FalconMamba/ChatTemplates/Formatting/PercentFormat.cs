using System.Globalization;
using System.Numerics;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Formatting;

/// <summary>The operator <c>%</c> of strings.</summary>
internal sealed class PercentFormat
{
    private readonly Text _format;
    private readonly object? _values;
    private readonly TextBuilder _builder = new();
    private int _place, _next;

    private PercentFormat(Text format, object? values)
    {
        _format = format;
        _values = values;
    }

    /// <summary>Fills a format with a tuple's values, a dict's, or a single one.</summary>
    /// <exception cref="Fault">The values do not suit the format.</exception>
    public static Text Apply(Text format, object? values) => new PercentFormat(format, values).Run();

    private Text Run()
    {
        var text = _format.Value;
        while (text.IndexOf('%', _place) is var sign && sign >= 0)
        {
            _builder.Append(_format, _place, sign - _place);
            _place = sign + 1;
            ReadConversion();
        }

        _builder.Append(_format, _place, text.Length - _place);
        var isFinished = _values is TupleValue tuple ? _next == tuple.Items.Length : _next > 0 || _values is DictValue or ListValue or RangeValue or BytesValue or Undefined;
        return isFinished ? _builder.ToText().WithMarkup(_format.IsMarkup) : throw Fault.Runtime("the format has fewer places than there are values");
    }

    private char Peek() => _place < _format.Value.Length ? _format.Value[_place] : throw Fault.Runtime("the format ends inside of a place");

    private void ReadConversion()
    {
        object? keyed = BoundArguments.Missing;
        if (Peek() == '(') keyed = ReadKey();
        var flags = "";
        while (Peek() is '#' or '0' or '-' or ' ' or '+') flags += _format.Value[_place++];
        var width = ReadNumber() ?? 0;
        int? precision = null;
        if (Peek() == '.')
        {
            _place++;
            precision = Math.Max(0, ReadNumber() ?? 0);
        }

        while (Peek() is 'h' or 'l' or 'L') _place++;
        var kind = Peek();
        _place++;
        if (width < 0)
        {
            flags += '-';
            width = -width;
        }

        if (kind == '%') _builder.Append("%");
        else Pad(Convert(kind, keyed == BoundArguments.Missing ? Next() : keyed, flags, precision), kind, flags, width);
    }

    private object? ReadKey()
    {
        var depth = 0;
        var start = _place + 1;
        do
        {
            depth += Peek() switch { '(' => 1, ')' => -1, _ => 0 };
            _place++;
        }
        while (depth > 0);
        var key = _format[start..(_place - 1)];
        if (_values is not DictValue dict) throw Fault.Expected("a dict for a format with names", _values);
        _next = 1;
        return dict.TryGet(key, out var value) ? value : throw Fault.Runtime($"the format names \"{Formats.Excerpt.Of(key.Value)}\", which the dict lacks");
    }

    private int? ReadNumber()
    {
        if (Peek() == '*')
        {
            _place++;
            return Kinds.ToInt(Next());
        }

        var start = _place;
        while (char.IsAsciiDigit(Peek())) _place++;
        if (_place == start) return null;
        return int.TryParse(_format.Value.AsSpan(start, _place - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Fault.Limit("a width of the format is too large");
    }

    private object? Next()
    {
        if (_values is TupleValue tuple) return _next < tuple.Items.Length ? tuple.Items[_next++] : throw Fault.Runtime("the format has more places than there are values");
        return _next++ == 0 ? _values : throw Fault.Runtime("the format has more places than there are values");
    }

    private Text Convert(char kind, object? value, string flags, int? precision)
    {
        switch (kind)
        {
            case 's' or 'r' or 'a':
                var text = kind switch { 's' => Representation.Str(value), 'r' => Representation.Of(value), _ => Representation.Ascii(value) };
                if (_format.IsMarkup) text = Markup.Escape(text);
                return precision is { } most && most < text.Length ? text[..text.OffsetOf(most)] : text;
            case 'c':
                // The number may have come from outside, and only here it becomes a letter.
                return value is Text { Length: 1 } character
                    ? character
                    : Text.Untrusted(Characters.ToText(Kinds.ToInt(value) is >= 0 and <= 0x10FFFF and var code ? code : throw Fault.Expected("a code point", value)));
            case 'd' or 'i' or 'u':
                return Text.Trusted(Integer(ToInteger(value), 10, "", flags, precision));
            case 'o' or 'x' or 'X':
                if (!Kinds.TryInteger(value, out var integer)) throw Fault.Expected("an integer", value);
                var prefix = flags.Contains('#') ? $"0{kind}" : "";
                var digits = Integer(integer, kind == 'o' ? 8 : 16, prefix, flags, precision);
                return Text.Trusted(kind == 'X' ? digits.ToUpperInvariant() : digits);
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                if (!Kinds.TryFloat(value, out var number)) throw Fault.Unfit("a number", value);
                var real = char.ToLowerInvariant(kind) switch
                {
                    'e' => NumberFormat.Exponential(number, precision ?? 6),
                    'f' => NumberFormat.Fixed(number, precision ?? 6),
                    _ => NumberFormat.General(number, precision ?? 6, flags.Contains('#')),
                };
                real = Signed(real, flags);
                return Text.Trusted(char.IsUpper(kind) ? real.ToUpperInvariant() : real);
            default:
                throw Fault.Runtime($"the format has no place of the kind \"{Formats.Excerpt.Of(kind.ToString())}\"");
        }
    }

    private static BigInteger ToInteger(object? value)
    {
        if (Kinds.TryInteger(value, out var integer)) return integer;
        return value is double number && double.IsFinite(number) ? new BigInteger(number) : throw Fault.Unfit("a number", value);
    }

    private static string Integer(BigInteger value, int radix, string prefix, string flags, int? precision)
    {
        var digits = Radix.Digits(BigInteger.Abs(value), radix);
        if (precision is { } least)
        {
            Budget.Current.Build(least);
            digits = digits.PadLeft(least, '0');
        }

        return Signed($"{(value.Sign < 0 ? "-" : "")}{prefix}{digits}", flags);
    }

    private static string Signed(string number, string flags)
    {
        if (number.StartsWith('-')) return number;
        return flags.Contains('+') ? $"+{number}" : flags.Contains(' ') ? $" {number}" : number;
    }

    private void Pad(Text text, char kind, string flags, int width)
    {
        var missing = (long)width - text.Length;
        if (flags.Contains('-'))
        {
            _builder.Append(text).Repeat(Text.Trusted(" "), missing);
        }
        else if (flags.Contains('0') && kind is not ('s' or 'r' or 'a' or 'c'))
        {
            var start = text.Value[0] is '-' or '+' or ' ' ? 1 : 0;
            if (text.Value.AsSpan(start) is ['0', 'x' or 'X' or 'o', ..]) start += 2;
            _builder.Append(text, 0, start).Repeat(Text.Trusted("0"), missing).Append(text, start, text.Value.Length - start);
        }
        else
        {
            _builder.Repeat(Text.Trusted(" "), missing).Append(text);
        }
    }
}
