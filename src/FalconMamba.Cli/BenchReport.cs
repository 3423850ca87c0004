using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FalconMamba.Cli;

/// <summary>
/// Writes results as llama-bench does: a Markdown table for people, and the fields of its JSON, JSON-lines and CSV output
/// that mean something here, under the same names.
/// </summary>
internal sealed class BenchReport(Terminal terminal, string format)
{
    public static readonly string[] Formats = ["md", "json", "jsonl", "csv"];

    private readonly List<JsonObject> _rows = [];
    private bool _begun;

    /// <summary>Adds a result; table and line formats write it at once.</summary>
    public void Add(BenchRunner runner, string path, BenchResult result)
    {
        var row = Fields(runner, path, result);
        switch (format)
        {
            case "md":
                if (!_begun)
                {
                    terminal.Output.WriteLine("| model | size | params | backend | threads | test | t/s |");
                    terminal.Output.WriteLine("| --- | ---: | ---: | --- | ---: | ---: | ---: |");
                }

                var (mean, deviation) = BenchResult.Summarize(result.Rates);
                terminal.Output.WriteLine(FormattableString.Invariant(
                    $"| {row["model_type"]} | {Size(runner.Model.Weights.ByteLength)} | {Units.Count(runner.Model.Weights.ParameterCount)} | {row["backends"]} | {result.Test.Threads} | {result.Test.Name} | {mean:F2} ± {deviation:F2} |"));
                break;
            case "csv":
                row.Remove("samples_ns");
                row.Remove("samples_ts");
                if (!_begun) terminal.Output.WriteLine(string.Join(',', row.Select(field => field.Key)));
                terminal.Output.WriteLine(string.Join(',', row.Select(field => Quote(field.Value!.ToString()))));
                break;
            case "jsonl":
                terminal.Output.WriteLine(row.ToJsonString());
                break;
            default:
                _rows.Add(row);
                break;
        }

        _begun = true;
        terminal.Output.Flush();
    }

    /// <summary>Ends the report.</summary>
    public void Finish()
    {
        if (format == "json") terminal.Output.WriteLine(new JsonArray([.. _rows]).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
    }

    private static JsonObject Fields(BenchRunner runner, string path, BenchResult result)
    {
        var (rate, rateDeviation) = BenchResult.Summarize(result.Rates);
        var (time, timeDeviation) = BenchResult.Summarize(result.Nanoseconds.Select(ns => (double)ns));
        var weights = runner.Model.Weights;
        var types = string.Join('/', weights.Tensors.GroupBy(t => t.Type).OrderByDescending(g => g.Sum(t => t.ByteLength)).Take(1).Select(g => g.Key));
        return new JsonObject
        {
            ["build_commit"] = typeof(BenchReport).Assembly.GetName().Version?.ToString(3),
            ["cpu_info"] = Processors.Name,
            ["backends"] = "CPU " + runner.Model.KernelPath,
            ["model_filename"] = path,
            ["model_type"] = $"{(weights.Config.NormalizesDtBC ? "falcon_mamba" : "mamba")} {types}",
            ["model_size"] = weights.ByteLength,
            ["model_n_params"] = weights.ParameterCount,
            ["n_threads"] = result.Test.Threads,
            ["n_prompt"] = result.Test.Prompt,
            ["n_gen"] = result.Test.Generated,
            ["n_depth"] = result.Test.Depth,
            ["test_time"] = result.Time.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            ["avg_ns"] = Math.Round(time),
            ["stddev_ns"] = Math.Round(timeDeviation),
            ["avg_ts"] = Math.Round(rate, 6),
            ["stddev_ts"] = Math.Round(rateDeviation, 6),
            ["samples_ns"] = new JsonArray([.. result.Nanoseconds.Select(ns => JsonValue.Create(ns))]),
            ["samples_ts"] = new JsonArray([.. result.Rates.Select(r => JsonValue.Create(Math.Round(r, 6)))]),
        };
    }

    // llama-bench counts in powers of two here.
    private static string Size(long bytes) => bytes >= 1 << 30
        ? FormattableString.Invariant($"{(double)bytes / (1 << 30):F2} GiB")
        : FormattableString.Invariant($"{(double)bytes / (1 << 20):F2} MiB");

    private static string Quote(string value) => new StringBuilder(value).Replace("\"", "\"\"").Insert(0, '"').Append('"').ToString();
}
