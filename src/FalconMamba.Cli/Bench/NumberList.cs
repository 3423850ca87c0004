using System.CommandLine;
using System.Globalization;
using FalconMamba.Model;

namespace FalconMamba.Cli.Bench;

/// <summary>llama-bench's lists (1,2,4) and ranges (1-8, 1-8+2, 1-8*2).</summary>
internal static class NumberList
{
    /// <summary>An option that takes lists, and may be given several times.</summary>
    public static Option<string[]> Option(string name, string[] aliases, int least, int most, string description) =>
        Option(name, aliases, text => Parse(text, least, most), most == int.MaxValue ? $"numbers from {least}" : $"numbers from {least} to {most}", description);

    /// <summary>The option of several ways to read a prompt: the words of <c>--prefill</c> may stand in its lists.</summary>
    public static Option<string[]> Prefill(string name, string[] aliases, string description) =>
        Option(name, aliases, ParsePrefill, $"parallel, sequential, numbers from 1 to {Cli.Prefill.MostTokens}", description);

    /// <summary>All numbers that the option was given.</summary>
    public static int[] Read(ParseResult parse, Option<string[]> option, params int[] absent) =>
        parse.GetValue(option) is { Length: > 0 } texts ? [.. texts.SelectMany(text => Parse(text, 0)!)] : absent;

    /// <summary>All ways to read a prompt that the option was given.</summary>
    public static int[] ReadPrefill(ParseResult parse, Option<string[]> option) =>
        parse.GetValue(option) is { Length: > 0 } texts ? [.. texts.SelectMany(text => ParsePrefill(text)!)] : [ModelOptions.DefaultPrefillChunkSize];

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

    private static Option<string[]> Option(string name, string[] aliases, Func<string, int[]?> parse, string rule, string description)
    {
        var option = new Option<string[]>(name, aliases) { HelpName = "N", Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => parse(token.Value) is null) is not { } wrong) return;
            result.AddError($"{result.IdentifierToken?.Value ?? name} takes {rule}, lists (1,2,4) or ranges (1-8*2), \"{wrong.Value}\" was given.");
        });
        return option;
    }

    private static int[]? ParsePrefill(string text)
    {
        var values = new List<int>();
        foreach (var part in text.Split(','))
        {
            if ((Cli.Prefill.Parse(part) is { } tokens ? [tokens] : Parse(part, 1, Cli.Prefill.MostTokens)) is not { } more) return null;
            values.AddRange(more);
        }

        return [.. values];
    }
}
