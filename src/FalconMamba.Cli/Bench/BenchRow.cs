using System.Globalization;
using System.Text.Json.Nodes;
using FalconMamba.Model;

namespace FalconMamba.Cli.Bench;

/// <summary>
/// A result in llama-bench's terms: those of its fields that mean something here, and after them fields of our own.
/// </summary>
internal static class BenchRow
{
    /// <summary>The fields that say what ran; <paramref name="batch"/> is the tokens of a call.</summary>
    public static JsonObject Describe(BenchRunner runner, int batch)
    {
        var weights = runner.Model.Weights;
        return new JsonObject
        {
            ["build_commit"] = typeof(BenchRow).Assembly.GetName().Version?.ToString(3),
            ["cpu_info"] = Processors.Name,
            ["backends"] = "CPU " + runner.Model.KernelPath,
            ["model_filename"] = runner.Path,
            ["model_type"] = ModelType(weights),
            ["model_size"] = weights.ByteLength,
            ["model_n_params"] = weights.ParameterCount,
            ["n_batch"] = batch,
            ["n_ubatch"] = runner.Model.PrefillChunkSize,
            ["n_threads"] = runner.Model.Threads,
        };
    }

    /// <summary>All fields of a result.</summary>
    public static JsonObject Fields(BenchRunner runner, BenchResult result, Roofline? roofline)
    {
        var (rate, rateDeviation) = Statistics.Summarize(result.Rates);
        var (time, timeDeviation) = Statistics.Summarize(result.Nanoseconds.Select(ns => (double)ns));
        var row = Describe(runner, result.Test.Batch);
        row["n_prompt"] = result.Test.Prompt;
        row["n_gen"] = result.Test.Generated;
        row["n_depth"] = result.Test.Depth;
        row["test_time"] = result.Time.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        row["avg_ns"] = Math.Round(time);
        row["stddev_ns"] = Math.Round(timeDeviation);
        row["avg_ts"] = Math.Round(rate, 6);
        row["stddev_ts"] = Math.Round(rateDeviation, 6);
        AddProcess(row, runner, result.Memory);
        if (roofline is null) Roofline.AddNothing(row);
        else if (result.Test is { Prompt: > 0, Generated: > 0 }) roofline.AddTo(row, 0, 0);
        else if (result.Test.Prompt > 0) roofline.AddTo(row, Statistics.Median(result.Rates), 0);
        else roofline.AddTo(row, 0, Statistics.Median(result.Rates));
        row["samples_ns"] = new JsonArray([.. result.Nanoseconds.Select(ns => JsonValue.Create(ns))]);
        row["samples_ts"] = new JsonArray([.. result.Rates.Select(r => JsonValue.Create(Math.Round(r, 6)))]);
        return row;
    }

    /// <summary>Adds what the process took to start, and has in memory.</summary>
    public static void AddProcess(JsonObject row, BenchRunner runner, ResidentMemory memory)
    {
        row["load_ms"] = Math.Round(runner.LoadMilliseconds, 3);
        row["start_to_first_forward_ms"] = Math.Round(runner.Start.FirstForward, 3);
        row["first_token_ms"] = Math.Round(runner.Start.FirstToken, 3);
        row["resident_bytes"] = memory.Bytes;
        row["resident_anonymous_bytes"] = memory.Anonymous;
        row["resident_file_bytes"] = memory.File;
        row["resident_peak_bytes"] = memory.Peak;
    }

    /// <summary>The table's heading; the batches have columns where they vary or are not the defaults, as in llama-bench.</summary>
    public static string Heading(bool showsBatch, bool showsMicroBatch)
    {
        string[] batches = [.. showsBatch ? ["n_batch"] : (string[])[], .. showsMicroBatch ? ["n_ubatch"] : (string[])[]];
        return Line(["model", "size", "params", "backend", "threads", .. batches, "test", "t/s"]) + "\n"
            + Line(["---", "---:", "---:", "---", "---:", .. batches.Select(_ => "---:"), "---:", "---:"]);
    }

    /// <summary>A result's line of the table.</summary>
    public static string Cells(BenchRunner runner, BenchResult result, bool showsBatch, bool showsMicroBatch)
    {
        var weights = runner.Model.Weights;
        var (mean, deviation) = Statistics.Summarize(result.Rates);
        return Line(
        [
            ModelType(weights),
            Size(weights.ByteLength),
            Units.Count(weights.ParameterCount),
            "CPU " + runner.Model.KernelPath,
            Number(runner.Model.Threads),
            .. showsBatch ? [Number(result.Test.Batch)] : (string[])[],
            .. showsMicroBatch ? [Number(runner.Model.PrefillChunkSize)] : (string[])[],
            result.Test.Name,
            FormattableString.Invariant($"{mean:F2} ± {deviation:F2}"),
        ]);
    }

    private static string Line(string[] cells) => $"| {string.Join(" | ", cells)} |";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    // The type that most bytes are of names the model, as "Q4_K" does a mixture of it and others.
    private static string ModelType(ModelWeights weights) =>
        $"{(weights.Config.NormalizesDtBC ? "falcon_mamba" : "mamba")} {weights.Tensors.GroupBy(t => t.Type).MaxBy(g => g.Sum(t => t.ByteLength))!.Key}";

    // llama-bench counts in powers of two here.
    private static string Size(long bytes) => bytes >= 1 << 30
        ? FormattableString.Invariant($"{(double)bytes / (1 << 30):F2} GiB")
        : FormattableString.Invariant($"{(double)bytes / (1 << 20):F2} MiB");
}
