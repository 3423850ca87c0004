using System.Globalization;
using System.Numerics;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Formatting;

/// <summary>The method <c>format</c> of strings, which reaches into values no further than a template may.</summary>
internal sealed class FieldFormat
{
    private readonly Arguments _arguments;
    private readonly DictValue? _named;
    private readonly bool _isMarkup;
    private int _next;
    private bool _isNumbered;

    private FieldFormat(Arguments arguments, DictValue? named, bool isMarkup)
    {
        _arguments = arguments;
        _named = named;
        _isMarkup = isMarkup;
    }

    /// <summary>Fills a format with arguments.</summary>
    /// <exception cref="Fault">The arguments do not suit the format.</exception>
    public static Text Apply(Text format, Arguments arguments) => new FieldFormat(arguments, null, format.IsMarkup).Run(format, 2).WithMarkup(format.IsMarkup);

    /// <summary>Fills a format with a dict's values.</summary>
    public static Text ApplyMap(Text format, Arguments arguments)
    {
        var value = arguments.Bind("format_map", "/mapping")[0];
        return value is DictValue dict
            ? new FieldFormat(Arguments.None, dict, format.IsMarkup).Run(format, 2).WithMarkup(format.IsMarkup)
            : throw Fault.Expected("a dict", value);
    }

    private Text Run(Text format, int levels)
    {
        if (levels == 0) throw Fault.Runtime("the format is nested too deep");
        var builder = new TextBuilder();
        var text = format.Value;
        for (var place = 0; place < text.Length;)
        {
            var brace = text.AsSpan(place).IndexOfAny('{', '}');
            if (brace < 0)
            {
                builder.Append(format, place, text.Length - place);
                break;
            }

            builder.Append(format, place, brace);
            place += brace;
            if (place + 1 < text.Length && text[place + 1] == text[place])
            {
                builder.Append(format, place, 1);
                place += 2;
                continue;
            }

            if (text[place] == '}') throw Fault.Runtime("the format has a single \"}\"");
            var end = FindEnd(text, place);
            builder.Append(Fill(format[(place + 1)..end], levels));
            place = end + 1;
        }

        return builder.ToText();
    }

    private static int FindEnd(string text, int place)
    {
        var depth = 0;
        for (; place < text.Length; place++)
        {
            depth += text[place] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0) return place;
        }

        throw Fault.Runtime("the format ends inside of a place");
    }

    private Text Fill(Text field, int levels)
    {
        var text = field.Value;
        var bracket = text.IndexOf('[', StringComparison.Ordinal) is >= 0 and var opening && text.IndexOf(']', opening) is >= 0 and var closing ? closing : 0;
        var end = text.AsSpan(bracket).IndexOfAny('!', ':') is >= 0 and var found ? bracket + found : text.Length;
        var value = Resolve(text[..end]);
        if (end < text.Length && text[end] == '!')
        {
            if (end + 1 >= text.Length || (end + 2 < text.Length && text[end + 2] != ':')) throw Fault.Runtime("a conversion of the format is broken");
            value = text[end + 1] switch
            {
                's' => Representation.Str(value),
                'r' => Representation.Of(value),
                'a' => Representation.Ascii(value),
                _ => throw Fault.Runtime("a conversion of the format is none of s, r and a"),
            };
            end += 2;
        }

        var specification = end < text.Length ? Run(field[(end + 1)..], levels - 1) : Text.Empty;
        var result = FieldSpecification.Apply(value, specification);
        return _isMarkup ? Markup.Escape(result) : result;
    }

    private object? Resolve(string name)
    {
        var end = name.AsSpan().IndexOfAny('.', '[') is >= 0 and var place ? place : name.Length;
        var value = First(name[..end]);
        while (end < name.Length)
        {
            if (name[end] == '.')
            {
                var next = name.AsSpan(end + 1).IndexOfAny('.', '[') is >= 0 and var behind ? end + 1 + behind : name.Length;
                if (next == end + 1) throw Fault.Runtime("the format has an empty attribute");
                value = Attributes.Member(value, name[(end + 1)..next]);
                end = next;
                continue;
            }

            var closing = name.IndexOf(']', end);
            if (name[end] != '[' || closing <= end + 1) throw Fault.Runtime("the format has a broken index");
            var index = name[(end + 1)..closing];
            value = Attributes.Item(value, index.All(char.IsAsciiDigit) ? BigInteger.Parse(index, CultureInfo.InvariantCulture) : Text.Trusted(index));
            end = closing + 1;
        }

        return value;
    }

    private object? First(string name)
    {
        if (name.Length == 0)
        {
            if (_isNumbered) throw Fault.Runtime("the format has places with and without numbers");
            return Positional(_next++);
        }

        if (name.All(char.IsAsciiDigit))
        {
            if (_next > 0) throw Fault.Runtime("the format has places with and without numbers");
            _isNumbered = true;
            return Positional(int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var place) ? place : int.MaxValue);
        }

        if (_named is not null) return _named.TryGet(Text.Trusted(name), out var value) ? value : throw Missing(name);
        var found = _arguments.Named.FindIndex(argument => argument.Name == name);
        return found >= 0 ? _arguments.Named[found].Value : throw Missing(name);
    }

    private object? Positional(int place) => place < _arguments.Positional.Count ? _arguments.Positional[place] : throw Fault.Runtime("the format has more places than there are values");

    private static Fault Missing(string name) => Fault.Runtime($"the format names \"{Formats.Excerpt.Of(name)}\", which was not given");
}
