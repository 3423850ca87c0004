using System.CommandLine;
using System.Diagnostics;
using FalconMamba.Kernels;
using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary><c>bench</c>: measures a model on this machine, with llama-bench's flags and names.</summary>
internal static class BenchCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var prompt = Lists("-p", "--n-prompt", 0, "Read N tokens in one go.");
        var generated = Lists("-n", "--n-gen", 0, "Generate N tokens one by one.");
        var pairs = new Option<string[]>("-pg") { HelpName = "PP,TG", Description = "Read PP tokens, then generate TG; may be given several times." };
        var depth = Lists("-d", "--n-depth", 0, "Begin with a state that has seen N tokens.");
        var threads = Lists("-t", "--threads", 1, "Threads; by default one a physical core.");
        var repetitions = CommonOptions.Int32(1, 1000, 5, "--repetitions", "-r").Describe("R", "Measure each test R times.");
        var noWarmUp = new Option<bool>("--no-warmup") { Description = "Time the first run too." };
        var format = new Option<string>("--output", "-o") { HelpName = string.Join('|', BenchReport.Formats), Description = "How results are written.", DefaultValueFactory = _ => "md" };
        format.AcceptOnlyFromAmong(BenchReport.Formats);
        var bandwidth = new Option<bool>("--bandwidth") { Description = "Measure how fast this machine reads memory too, and the share of it that generation reaches." };
        var flat = CommonOptions.Int32(2 * FlatnessRun.EarlyPosition, int.MaxValue, null, "--flat").Describe("N", "Instead, compare the time of a token at position N with that at position 1,000.");
        var csv = new Option<string?>("--csv") { HelpName = "FILE", Description = "With --flat: write time and memory along the way." };
        var command = new Command("bench", "Measure a model's speed on this machine. Lists (1,2,4) and ranges (1-8*2) run every combination.")
        {
            model, prompt, generated, pairs, depth, threads, repetitions, noWarmUp, format, bandwidth, flat, csv,
        };
        var run = new RunOptions(command, hasThreads: false);
        command.OnRun(terminal, (parse, cancellationToken) =>
        {
            var path = CommonOptions.Locate(parse, model);
            var threadCounts = Values(parse, threads, [0]);
            if (parse.Has(flat))
            {
                RunFlat(terminal, path, run.Read(parse) with { Threads = threadCounts[0] }, parse.GetValue(flat), parse.GetValue(csv), cancellationToken);
                return;
            }

            var works = Works(parse, prompt, generated, pairs);
            var depths = Values(parse, depth, [0]);
            var report = new BenchReport(terminal, parse.GetValue(format)!);
            foreach (var threadCount in threadCounts)
            {
                using var runner = Load(terminal, path, run.Read(parse) with { Threads = threadCount });
                foreach (var d in depths)
                {
                    foreach (var (pp, tg) in works)
                    {
                        var before = parse.GetValue(bandwidth) ? MemoryBandwidth.Measure(runner.Model.Threads) : 0;
                        var result = runner.Run(new BenchTest(pp, tg, d, runner.Model.Threads), parse.GetValue(repetitions), !parse.GetValue(noWarmUp), cancellationToken);
                        report.Add(runner, path, result);
                        if (before > 0) TellBandwidth(terminal, runner, result, Math.Max(before, MemoryBandwidth.Measure(runner.Model.Threads)));
                    }
                }
            }

            report.Finish();
        });
        return command;
    }

    private static BenchRunner Load(Terminal terminal, string path, ModelOptions options)
    {
        var start = Stopwatch.GetTimestamp();
        var runner = new BenchRunner(path, options);
        terminal.Error.WriteLine($"loaded in {Units.Short(Stopwatch.GetElapsedTime(start).TotalSeconds)} s; kernels {runner.Model.KernelPath}, {runner.Model.Threads} threads; {Processors.Name}");
        return runner;
    }

    private static void TellBandwidth(Terminal terminal, BenchRunner runner, BenchResult result, double bandwidth)
    {
        var line = $"memory is read at {Units.Bytes((long)bandwidth)}/s";
        if (result.Test is { Prompt: 0, Generated: > 0 })
        {
            var median = result.Rates.Order().ElementAt(result.Rates.Count / 2);
            var reached = median * runner.BytesOfStep();
            line += $"; a token moves {Units.Bytes(runner.BytesOfStep())}, so the median run reached {Units.Bytes((long)reached)}/s, {reached / bandwidth:P0} of it";
        }

        terminal.Error.WriteLine(line);
    }

    private static void RunFlat(Terminal terminal, string path, ModelOptions options, int last, string? csvPath, CancellationToken cancellationToken)
    {
        using var runner = Load(terminal, path, options);
        using var run = new FlatnessRun(runner);
        using (var csv = csvPath is null ? null : new StreamWriter(csvPath) { NewLine = "\n" })
        using (var progress = new ProgressBar(terminal, "generating", last, Units.Digits))
            run.Generate(last, csv, progress, cancellationToken);
        run.Compare(cancellationToken);
        JsonOutput.Write(terminal, json =>
        {
            json.WriteNumber("early_position", FlatnessRun.EarlyPosition);
            json.WriteNumber("late_position", last);
            json.WriteNumber("early_us_per_token", Math.Round(run.Times.Early * 1000, 3));
            json.WriteNumber("late_us_per_token", Math.Round(run.Times.Late * 1000, 3));
            json.WriteNumber("ratio_median_of_20_pairs", Math.Round(run.Times.Ratio, 5));
            json.WriteNumber("ratio_of_medians", Math.Round(run.Times.Late / run.Times.Early, 5));
            json.WriteNumber("resident_bytes_early", run.Resident.Early);
            json.WriteNumber("resident_bytes_late", run.Resident.Late);
            json.WriteNumber("allocated_bytes_in_40000_steps", run.Allocated);
        });
    }

    private static List<(int Prompt, int Generated)> Works(ParseResult parse, Option<string[]> prompt, Option<string[]> generated, Option<string[]> pairs)
    {
        var works = new List<(int, int)>();
        // As in llama-bench, what is not named runs with its default, and 0 leaves it out.
        works.AddRange(Values(parse, prompt, [512]).Where(n => n > 0).Select(n => (n, 0)));
        works.AddRange(Values(parse, generated, [128]).Where(n => n > 0).Select(n => (0, n)));
        foreach (var pair in parse.GetValue(pairs) ?? [])
        {
            works.Add(BenchTest.ParseList(pair, 0) is [var pp, var tg] && pp + tg > 0
                ? (pp, tg)
                : throw new UsageException($"-pg takes two numbers such as 512,128, \"{pair}\" was given."));
        }

        return works.Count > 0 ? works : throw new UsageException("There is nothing to measure: -p and -n are both 0.");
    }

    private static Option<string[]> Lists(string shortName, string name, int least, string description)
    {
        var option = new Option<string[]>(name, shortName) { HelpName = "N", Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => BenchTest.ParseList(token.Value, least) is null) is { } wrong)
                result.AddError($"{shortName} takes numbers from {least}, lists (1,2,4) or ranges (1-8*2), \"{wrong.Value}\" was given.");
        });
        return option;
    }

    private static int[] Values(ParseResult parse, Option<string[]> option, int[] absent) =>
        parse.GetValue(option) is { Length: > 0 } texts ? [.. texts.SelectMany(text => BenchTest.ParseList(text, 0)!)] : absent;
}
