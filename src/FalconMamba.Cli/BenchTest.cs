using System.Globalization;

namespace FalconMamba.Cli;

/// <summary>One thing to measure, in llama-bench's terms.</summary>
/// <param name="Prompt">Tokens read in one go.</param>
/// <param name="Generated">Tokens generated one by one behind them.</param>
/// <param name="Depth">Tokens the state has seen before.</param>
/// <param name="Threads">Threads.</param>
internal sealed record BenchTest(int Prompt, int Generated, int Depth, int Threads)
{
    /// <summary>pp512, tg128, pp512+tg128, with "@ d4096" at a depth.</summary>
    public string Name
    {
        get
        {
            var name = string.Join('+', new[] { Prompt > 0 ? $"pp{Prompt}" : "", Generated > 0 ? $"tg{Generated}" : "" }.Where(part => part.Length > 0));
            return Depth > 0 ? $"{name} @ d{Depth}" : name;
        }
    }

    /// <summary>Reads numbers, lists (1,2,4) and ranges (1-8, 1-8+2, 1-8*2); null if the text is none.</summary>
    public static int[]? ParseList(string text, int least)
    {
        var values = new List<int>();
        foreach (var part in text.Split(','))
        {
            var dash = part.IndexOf('-', StringComparison.Ordinal);
            if (dash < 0)
            {
                if (!Read(part, out var value) || value < least) return null;
                values.Add(value);
                continue;
            }

            var mark = part.IndexOfAny(['+', '*'], dash);
            if (!Read(part[..dash], out var first) || !Read(mark < 0 ? part[(dash + 1)..] : part[(dash + 1)..mark], out var last)) return null;
            var step = 1;
            if (mark >= 0 && !Read(part[(mark + 1)..], out step)) return null;
            var multiplies = mark >= 0 && part[mark] == '*';
            if (first < Math.Max(least, multiplies ? 1 : 0) || last < first || step < (multiplies ? 2 : 1)) return null;
            for (long value = first; value <= last; value = multiplies ? value * step : value + step) values.Add((int)value);
        }

        return [.. values];

        static bool Read(string digits, out int value) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}

/// <summary>A measured test.</summary>
/// <param name="Test">What was measured.</param>
/// <param name="Time">When it began, in universal time.</param>
/// <param name="Nanoseconds">The time of each repetition.</param>
internal sealed record BenchResult(BenchTest Test, DateTime Time, IReadOnlyList<long> Nanoseconds)
{
    /// <summary>Tokens a second of each repetition.</summary>
    public IReadOnlyList<double> Rates { get; } = [.. Nanoseconds.Select(ns => (Test.Prompt + Test.Generated) * 1e9 / Math.Max(1, ns))];

    /// <summary>Mean and sample deviation.</summary>
    public static (double Mean, double Deviation) Summarize(IEnumerable<double> samples)
    {
        var values = samples.ToArray();
        var mean = values.Average();
        return (mean, values.Length < 2 ? 0 : Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1)));
    }
}
