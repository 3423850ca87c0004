namespace FalconMamba.Cli.Bench;

/// <summary>What a few noisy samples say together.</summary>
internal static class Statistics
{
    /// <summary>Mean and sample deviation.</summary>
    public static (double Mean, double Deviation) Summarize(IEnumerable<double> samples)
    {
        var values = samples.ToArray();
        var mean = values.Average();
        return (mean, values.Length < 2 ? 0 : Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1)));
    }

    /// <summary>The middle one, or the mean of the two in the middle.</summary>
    public static double Median(IEnumerable<double> samples)
    {
        var sorted = samples.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
