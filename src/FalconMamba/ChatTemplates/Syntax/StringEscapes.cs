using System.Globalization;
using System.Text;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Syntax;

/// <summary>The escapes of strings, which are Python's.</summary>
internal static class StringEscapes
{
    /// <summary>
    /// The text that a string's inside stands for, and its number of code points: two escapes of half a surrogate pair each are
    /// two. Null where an escape is broken.
    /// </summary>
    public static (string Text, int CodePoints)? Decode(string content)
    {
        var pairs = CountPairs(content);
        if (!content.Contains('\\')) return (content, content.Length - pairs);
        var text = new StringBuilder();
        for (var i = 0; i < content.Length; i++)
        {
            if (content[i] != '\\')
            {
                text.Append(content[i]);
                continue;
            }

            if (++i == content.Length) return null;
            switch (content[i])
            {
                case '\n': break;
                case '\\' or '\'' or '"': text.Append(content[i]); break;
                case 'a': text.Append('\a'); break;
                case 'b': text.Append('\b'); break;
                case 'f': text.Append('\f'); break;
                case 'n': text.Append('\n'); break;
                case 'r': text.Append('\r'); break;
                case 't': text.Append('\t'); break;
                case 'v': text.Append('\v'); break;
                case >= '0' and <= '7':
                    var end = i;
                    while (end < content.Length && end < i + 3 && content[end] is >= '0' and <= '7') end++;
                    text.Append((char)content[i..end].Aggregate(0, static (value, digit) => value * 8 + (digit - '0')));
                    i = end - 1;
                    break;
                case 'x' or 'u' or 'U':
                    var digits = content[i] switch { 'x' => 2, 'u' => 4, _ => 8 };
                    if (i + digits >= content.Length || ParseCode(content.AsSpan(i + 1, digits)) is not { } code) return null;
                    text.Append(Characters.ToText(code));
                    if (code > 0xFFFF) pairs++;
                    i += digits;
                    break;

                // Names of characters would need a table of all of them.
                case 'N': return null;
                default:
                    var further = AppendUnknown(text, content, i);
                    pairs -= further;
                    i += further;
                    break;
            }
        }

        return (text.ToString(), text.Length - pairs);
    }

    private static int CountPairs(string text)
    {
        var pairs = 0;
        for (var i = 0; i + 1 < text.Length; i++) if (char.IsSurrogatePair(text[i], text[i + 1])) pairs++;
        return pairs;
    }

    private static int? ParseCode(ReadOnlySpan<char> digits) =>
        int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) && code is >= 0 and <= 0x10FFFF ? code : null;

    // Python escapes other characters than ASCII before it looks for escapes, so a backslash before one shows how.
    private static int AppendUnknown(StringBuilder text, string content, int place)
    {
        text.Append('\\');
        if (char.IsAscii(content[place]))
        {
            text.Append(content[place]);
            return 0;
        }

        var isPair = place + 1 < content.Length && char.IsSurrogatePair(content[place], content[place + 1]);
        var code = isPair ? char.ConvertToUtf32(content[place], content[place + 1]) : content[place];
        text.Append(code < 0x100 ? $"x{code:x2}" : code < 0x10000 ? $"u{code:x4}" : $"U{code:x8}");
        return isPair ? 1 : 0;
    }
}
