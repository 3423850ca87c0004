using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace FalconMamba.Tokenization.PreTokenizers;

/// <summary>
/// Any other regular expression, by the runtime's engine and its Unicode tables: in linear time where it can, else with a
/// limit on the time of one search. The engine knows chars, not code points, so a character above U+FFFF goes in as one
/// below of the same category.
/// </summary>
internal sealed class RegexPattern : SplitPattern
{
    private static readonly TimeSpan SearchLimit = TimeSpan.FromSeconds(10);
    private static readonly Dictionary<UnicodeCategory, char> StandIns = FindStandIns();

    private readonly Regex _regex;

    /// <exception cref="RegexParseException">The expression is not one that the runtime understands.</exception>
    public RegexPattern(string expression)
    {
        try
        {
            _regex = new Regex(expression, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        }
        catch (NotSupportedException)
        {
            // Look-around needs the backtracking engine.
            _regex = new Regex(expression, RegexOptions.CultureInvariant, SearchLimit);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">A search took longer than the limit.</exception>
    public override void FindMatches(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        if (text.IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
        {
            Search(text, matches);
            return;
        }

        // One char for each code point, and where each code point starts.
        var chars = new char[text.Length];
        var starts = new int[text.Length + 1];
        var count = 0;
        for (var i = 0; i < text.Length; count++)
        {
            Rune.DecodeFromUtf16(text[i..], out var rune, out var width);
            chars[count] = rune.IsBmp ? (char)rune.Value : StandIns.GetValueOrDefault(Rune.GetUnicodeCategory(rune), '\uE000');
            starts[count] = i;
            i += width;
        }

        starts[count] = text.Length;
        var first = matches.Count;
        Search(chars.AsSpan(0, count), matches);
        for (var i = first; i < matches.Count; i++) matches[i] = (starts[matches[i].Start], starts[matches[i].End]);
    }

    private void Search(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        try
        {
            foreach (var match in _regex.EnumerateMatches(text))
            {
                // The reference library takes no empty match right after another one.
                if (match.Length == 0 && matches is [.., var last] && last.End == match.Index) continue;
                matches.Add((match.Index, match.Index + match.Length));
            }
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new InvalidOperationException(
                $"The tokenizer's split expression {_regex} took more than {SearchLimit.TotalSeconds} seconds on this text.", e);
        }
    }

    // A char of each category, beyond those that expressions name themselves.
    private static Dictionary<UnicodeCategory, char> FindStandIns()
    {
        var standIns = new Dictionary<UnicodeCategory, char>();
        for (var c = '\u0250'; c < '\uD800'; c++) standIns.TryAdd(char.GetUnicodeCategory(c), c);
        return standIns;
    }
}
