namespace FalconMamba.Cli.Bench;

/// <summary><c>bench --flat</c> and <c>--flat-prompt</c>: runs, and writes the JSON object, the CSV file and the chart.</summary>
internal static class FlatnessReport
{
    /// <param name="terminal">Where to write.</param>
    /// <param name="runner">The model.</param>
    /// <param name="last">The late position.</param>
    /// <param name="reads">Whether tokens are those of a prompt rather than generated.</param>
    /// <param name="csv">The CSV file to write, or null.</param>
    /// <param name="chart">The chart to write, or null.</param>
    /// <param name="cancellationToken">Looked at for every token.</param>
    public static void Run(Terminal terminal, BenchRunner runner, int last, bool reads, string? csv, string? chart, CancellationToken cancellationToken)
    {
        using var run = new FlatnessRun(runner, last, reads);
        var compared = 2 * FlatnessRun.Pairs * run.Block;
        using (var progress = new ProgressBar(terminal, reads ? "reading" : "generating", last, Units.Digits)) run.GoOn(progress, cancellationToken);
        using (var progress = new ProgressBar(terminal, "comparing", compared, Units.Digits)) run.Compare(progress, cancellationToken);
        var allocated = run.CountAllocations(cancellationToken);
        if (csv is not null) run.Track.WriteCsv(csv);
        var how = reads ? $"a prompt in passes of {run.PassTokens}, " : "";
        if (chart is not null)
            FlatnessChart.Write(chart, $"{CommonOptions.NameOf(runner.Path)}, {how}{Processors.Name}, {runner.Model.Threads} threads", run.Track);
        JsonOutput.Write(terminal, json =>
        {
            json.WriteString("model", CommonOptions.NameOf(runner.Path));
            json.WriteString("cpu_info", Processors.Name);
            json.WriteNumber("n_threads", runner.Model.Threads);
            json.WriteNumber("pass_tokens", run.PassTokens);
            json.WriteNumber("early_position", FlatnessRun.EarlyPosition);
            json.WriteNumber("late_position", last);
            json.WriteNumber("block_tokens", run.Block);
            json.WriteNumber("pairs", FlatnessRun.Pairs);
            json.WriteNumber("early_us_per_token", Math.Round(run.Times.Early * 1e6, 3));
            json.WriteNumber("late_us_per_token", Math.Round(run.Times.Late * 1e6, 3));
            json.WriteNumber("early_tokens_per_s", Math.Round(1 / run.Times.Early, 3));
            json.WriteNumber("late_tokens_per_s", Math.Round(1 / run.Times.Late, 3));
            json.WriteNumber("ratio_median_of_pairs", Math.Round(run.Times.Ratio, 5));
            json.WriteNumber("ratio_of_medians", Math.Round(run.Times.Late / run.Times.Early, 5));
            json.WriteNumber("resident_bytes_early", run.Resident.Early.Bytes);
            json.WriteNumber("resident_bytes_late", run.Resident.Late.Bytes);
            json.WriteNumber("resident_anonymous_bytes_early", run.Resident.Early.Anonymous);
            json.WriteNumber("resident_anonymous_bytes_late", run.Resident.Late.Anonymous);
            json.WriteNumber("allocated_bytes_of_a_block", allocated);
        });
    }
}
