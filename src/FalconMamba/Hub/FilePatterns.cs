using System.Text;
using System.Text.RegularExpressions;

namespace FalconMamba.Hub;

/// <summary>
/// Patterns for files of a repository, as the Python client reads them: <c>*</c> stands for anything, slashes included, <c>?</c>
/// for one character, <c>[ab]</c> for one of several; a folder ends with a slash.
/// </summary>
internal sealed class FilePatterns(IEnumerable<string> patterns)
{
    private readonly Regex[] _patterns = [.. patterns.Select(pattern => new Regex(Translate(pattern), RegexOptions.NonBacktracking))];

    /// <summary>Whether one of the patterns is that of the whole path.</summary>
    public bool IsAny(string path) => Array.Exists(_patterns, pattern => pattern.IsMatch(path));

    private static string Translate(string pattern)
    {
        var text = pattern.Replace('\\', '/');
        if (text.EndsWith('/')) text += '*';
        var regex = new StringBuilder(@"\A(?s:");
        for (var i = 0; i < text.Length; i++)
        {
            // A bracket that is the first in a set belongs to it.
            var end = text[i] == '[' && i + 2 < text.Length ? text.IndexOf(']', i + (text[i + 1] == '!' ? 3 : 2)) : -1;
            regex.Append(text[i] switch
            {
                '*' => ".*",
                '?' => ".",
                '[' when end > 0 => Set(text[(i + 1)..end]),
                var c => Regex.Escape(c.ToString()),
            });
            if (end > 0) i = end;
        }

        return regex.Append(@")\z").ToString();
    }

    private static string Set(string content)
    {
        var isNegated = content[0] == '!';
        var escaped = new StringBuilder();
        foreach (var c in isNegated ? content[1..] : content) escaped.Append(c is '\\' or '[' or ']' or '^' ? $"\\{c}" : c);
        return $"[{(isNegated ? "^" : "")}{escaped}]";
    }
}
