using System.Text.RegularExpressions;

namespace FalconMamba.Tokenization.PreTokenizers;

/// <summary>
/// Any other regular expression, by the runtime's engine: in linear time where it can, else with a limit on the time of
/// one search. The engine works on UTF-16 and its own Unicode tables, so characters above U+FFFF are in no class.
/// </summary>
internal sealed class RegexPattern : SplitPattern
{
    private static readonly TimeSpan SearchLimit = TimeSpan.FromSeconds(10);

    private readonly Regex _regex;

    /// <exception cref="ArgumentException">The expression is not one that the runtime understands.</exception>
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
        try
        {
            foreach (var match in _regex.EnumerateMatches(text)) matches.Add((match.Index, match.Index + match.Length));
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new InvalidOperationException(
                $"The tokenizer's split expression {_regex} took more than {SearchLimit.TotalSeconds} seconds on this text.", e);
        }
    }
}
