using System.CommandLine;
using System.Globalization;

namespace FalconMamba.Cli.Bench;

/// <summary>llama-bench's lists (1,2,4) and ranges (1-8, 1-8+2, 1-8*2).</summary>
internal static class NumberList
{
    /// <summary>An option that takes lists, and may be given several times.</summary>
    public static Option<string[]> Option(string name, string[] aliases, int least, int most, string description)
    {
        var option = new Option<string[]>(name, aliases) { HelpName = "N", Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => Parse(token.Value, least, most) is null) is not { } wrong) return;
            var bounds = most == int.MaxValue ? $"from {least}" : $"from {least} to {most}";
            result.AddError($"{result.IdentifierToken?.Value ?? name} takes numbers {bounds}, lists (1,2,4) or ranges (1-8*2), \"{wrong.Value}\" was given.");
        });
        return option;
    }

    /// <summary>All numbers that the option was given.</summary>
    public static int[] Read(ParseResult parse, Option<string[]> option, params int[] absent) =>
        parse.GetValue(option) is { Length: > 0 } texts ? [.. texts.SelectMany(text => Parse(text, 0)!)] : absent;

    /// <summary>The numbers of a text; null if it is no list, or if one is out of bounds.</summary>
    public static int[]? Parse(string text, int least, int most = int.MaxValue)
    {
        var values = new List<int>();
        foreach (var part in text.Split(','))
        {
            var dash = part.IndexOf('-', StringComparison.Ordinal);
            if (dash < 0)
            {
                if (!Digits(part, out var value) || value < least || value > most) return null;
                values.Add(value);
                continue;
            }

            var mark = part.IndexOfAny(['+', '*'], dash);
            if (!Digits(part[..dash], out var first) || !Digits(mark < 0 ? part[(dash + 1)..] : part[(dash + 1)..mark], out var last)) return null;
            var step = 1;
            if (mark >= 0 && !Digits(part[(mark + 1)..], out step)) return null;
            var multiplies = mark >= 0 && part[mark] == '*';
            if (first < Math.Max(least, multiplies ? 1 : 0) || last < first || last > most || step < (multiplies ? 2 : 1)) return null;
            for (long value = first; value <= last; value = multiplies ? value * step : value + step) values.Add((int)value);
        }

        return [.. values];

        static bool Digits(string digits, out int value) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}
