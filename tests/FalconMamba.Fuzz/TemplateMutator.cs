using System.Text;
using System.Text.RegularExpressions;

namespace FalconMamba.Fuzz;

/// <summary>A chat template whose words and signs are exchanged, removed, repeated and replaced.</summary>
internal sealed partial class TemplateMutator(byte[] text) : IMutator
{
    private static readonly string[] Pieces =
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "(", ")", "[", "]", "{", "}", "|", ".", ",", ":", "~", "*", "**", "//", "%", "==", "<", "=", " ", "\n", "'", "\"", "\\",
        " if ", " else ", " in ", " is ", " not ", " and ", " or ", " for ", "endfor", "endif", " set ", " recursive ", "break", "continue", "macro m(a, b=1)", "endmacro", "m(1)",
        "call m()", "endcall", "caller()", "loop", "loop(messages)", "loop.length", "messages", "messages[0]", "tools", "none", "true", "nope", "1", "-1", "0", "1e308", "99999999999", "'a' * 999999",
        "namespace(a=1)", "range(99999)", "| map('upper')", "| list", "| tojson(indent=2)", "| sort", "| join('-')", "| selectattr('role', 'eq', 'user')", "| int", "| string", "| indent(99999)",
        ".append(1)", ".__class__", ".items()", "[::-1]", "[1:]", ".split()", ".replace('', 'x')", ".format(1)", "'%99999d' % 1", "'{:>9999}'", "raise_exception('x')", "strftime_now('%c')", "| random",
        "generation", "endgeneration", "raw", "endraw", "filter title", "endfilter", "autoescape true", "endautoescape", "| urlize", "| wordwrap(3)", "| pprint", "é😀\u2028",
    ];

    private readonly string[] _words = [.. Words().Matches(Encoding.UTF8.GetString(text)).Select(static match => match.Value)];

    public int Length => text.Length;

    public byte[] Mutate(Random random)
    {
        var words = _words.ToList();
        for (var injuries = 1 + random.Next(4); injuries > 0 && words.Count > 0; injuries--)
        {
            var place = random.Next(words.Count);
            switch (random.Next(5))
            {
                case 0: words.RemoveAt(place); break;
                case 1: words.Insert(place, words[random.Next(words.Count)]); break;
                case 2: words[place] = Pieces[random.Next(Pieces.Length)]; break;
                case 3: words.Insert(place, Pieces[random.Next(Pieces.Length)]); break;
                default:
                    var other = random.Next(words.Count);
                    (words[place], words[other]) = (words[other], words[place]);
                    break;
            }
        }

        var mutated = Encoding.UTF8.GetBytes(string.Concat(words));
        return random.Next(10) == 0 ? Injuries.Anywhere(mutated, random) : mutated;
    }

    [GeneratedRegex(@"\w+|\s+|\{[{%#]-?|-?[}%#]\}|.", RegexOptions.Singleline)]
    private static partial Regex Words();
}
