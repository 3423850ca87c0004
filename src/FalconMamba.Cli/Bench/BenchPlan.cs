using FalconMamba.Model;

namespace FalconMamba.Cli.Bench;

/// <summary>What a command line asks to measure: runs every combination and writes a row for each.</summary>
internal sealed class BenchPlan(Terminal terminal, string path, ModelOptions options)
{
    public const int DefaultBatch = 2048;

    private readonly StartTimes _start = new();

    public required int[] Batches { get; init; }

    /// <summary>Tokens that go through the layers together; 0 lets the model choose.</summary>
    public required int[] MicroBatches { get; init; }

    public required int[] Threads { get; init; }

    public required int Repetitions { get; init; }

    public required bool WarmUp { get; init; }

    public required bool MeasuresLimits { get; init; }

    public required string Format { get; init; }

    /// <summary>llama-bench's tests.</summary>
    public void RunTests(IReadOnlyList<(int Prompt, int Generated)> works, int[] depths, CancellationToken cancellationToken)
    {
        var rows = new RowWriter(terminal, Format);
        var showsBatch = Batches is not [DefaultBatch];
        var showsMicroBatch = MicroBatches is not [ModelOptions.DefaultPrefillChunkSize];
        var heading = BenchRow.Heading(showsBatch, showsMicroBatch);
        ForEachModel((runner, batch) =>
        {
            foreach (var depth in depths)
            {
                foreach (var (prompt, generated) in works)
                {
                    var test = new BenchTest(prompt, generated, depth, batch);
                    var (result, roofline) = Measure(
                        runner, test.Name, depth + (Repetitions * ((long)prompt + generated)), () => runner.Run(test, Repetitions, WarmUp, cancellationToken));
                    rows.Add(BenchRow.Fields(runner, result, roofline), heading, BenchRow.Cells(runner, result, showsBatch, showsMicroBatch));
                    TellMemory(result.Memory);
                    var (median, best) = (Statistics.Median(result.Rates), result.Rates.Max());
                    if (prompt == 0) roofline?.TellGeneration(terminal, median, best);
                    else if (generated == 0) roofline?.TellProducts(terminal, median, best, hasLogits: false);
                }
            }
        }, cancellationToken);
        rows.Finish();
    }

    /// <summary>llama-batched-bench's tests.</summary>
    public void RunParallel(int[] prompts, int[] generations, int[] sequences, CancellationToken cancellationToken)
    {
        if (prompts.Max() == 0 && generations.Max() == 0) throw new UsageException("There is nothing to measure: -p and -n are both 0.");
        var rows = new RowWriter(terminal, Format);
        ForEachModel((runner, batch) =>
        {
            foreach (var test in from p in prompts from g in generations from s in sequences where p + g > 0 select new ParallelTest(p, g, s, batch))
            {
                var (result, roofline) = Measure(
                    runner, $"{test.Sequences} sequences", Repetitions * test.Tokens, () => test.Run(runner, Repetitions, WarmUp, cancellationToken));
                rows.Add(result.Fields(runner, roofline), ParallelResult.Heading, result.Cells());
                TellMemory(result.Memory);
                if (test.Generated > 0)
                {
                    roofline?.TellGeneration(terminal, result.GenerationRate, result.BestGenerationRate, test.Sequences);
                    roofline?.TellProducts(terminal, result.GenerationRate, result.BestGenerationRate, hasLogits: true);
                }
                else
                {
                    roofline?.TellProducts(terminal, result.PromptRate, result.BestPromptRate, hasLogits: false);
                }
            }
        }, cancellationToken);
        rows.Finish();
    }

    /// <summary>What guessing ahead costs and gains.</summary>
    /// <param name="rows">Tokens of a verification.</param>
    /// <param name="accepted">How many guesses count as accepted; null for all.</param>
    /// <param name="rounds">How many verifications.</param>
    /// <param name="cancellationToken">Looked at before every forward pass.</param>
    public void RunVerify(int[] rows, int[]? accepted, int rounds, CancellationToken cancellationToken)
    {
        if (accepted is not null && accepted.Max() >= rows.Min())
            throw new UsageException($"--accepted {accepted.Max()} is too much for --verify {rows.Min()}, which has {rows.Min() - 1} guesses.");
        var written = new RowWriter(terminal, Format);
        ForEachModel((runner, _) =>
        {
            foreach (var test in from r in rows from a in accepted ?? [r - 1] select new VerifyTest(r, a, rounds))
            {
                using var progress = new ProgressBar(terminal, $"verifying {test.Rows}", (1L + test.Rows) * rounds, Units.Digits, betweenFrames: TimeSpan.FromSeconds(2));
                runner.Progress.Begin(progress);
                var result = test.Run(runner, WarmUp, cancellationToken);
                written.Add(result.Fields(runner), VerifyResult.Heading, result.Cells());
            }
        }, cancellationToken);
        written.Finish();
    }

    /// <summary>What guessing ahead costs where nothing comes true.</summary>
    /// <param name="rows">Tokens of a verification at most.</param>
    /// <param name="tokens">How many are generated, with guesses and without.</param>
    /// <param name="loadAssistant">Loads what guesses; gives null for guesses that take no time.</param>
    /// <param name="cancellationToken">Looked at before every token.</param>
    public void RunWrong(int[] rows, int tokens, Func<ModelOptions, IModelRunner?> loadAssistant, CancellationToken cancellationToken)
    {
        var written = new RowWriter(terminal, Format);
        ForEachModel((runner, _) =>
        {
            using var assistant = loadAssistant(options with { Threads = runner.Model.Threads });
            foreach (var test in rows.Select(r => new WrongGuessTest(r, tokens)))
            {
                var (result, _) = Measure(runner, "guessing wrong", 2L * tokens, () => test.Run(runner, assistant, WarmUp, cancellationToken));
                written.Add(result.Fields(runner), WrongGuessResult.Heading, result.Cells());
                TellMemory(result.Memory);
            }
        }, cancellationToken);
        written.Finish();
    }

    /// <summary>Streams through the engine, beside the same in step.</summary>
    public void RunStreams(int[] prompts, int[] generations, int[] streams, CancellationToken cancellationToken)
    {
        var rows = new RowWriter(terminal, Format);
        ForEachModel((runner, batch) =>
        {
            foreach (var test in from p in prompts from g in generations from s in streams select new StreamsTest(p, g, s, batch))
            {
                var (result, _) = Measure(runner, $"{test.Streams} streams", Repetitions * test.Tokens, () => test.Run(runner, Repetitions, WarmUp, cancellationToken));
                rows.Add(result.Fields(runner), StreamsResult.Heading, result.Cells());
                TellMemory(result.Memory);
            }
        }, cancellationToken);
        rows.Finish();
    }

    /// <summary>The gaps between tokens of streams beside a long prompt.</summary>
    public void RunGaps(int beside, int[] streams, CancellationToken cancellationToken)
    {
        var rows = new RowWriter(terminal, Format);
        ForEachModel((runner, _) =>
        {
            foreach (var test in streams.Select(s => new GapTest(beside, s)))
            {
                var (result, _) = Measure(runner, $"{test.Streams} streams", test.Tokens, () => test.Run(runner, cancellationToken));
                rows.Add(result.Fields(runner), GapResult.Heading, result.Cells());
                TellMemory(result.Memory);
            }
        }, cancellationToken);
        rows.Finish();
    }

    /// <summary>Time and memory against the position, of a prompt's tokens or of generated ones.</summary>
    public void RunFlat(int last, bool reads, string? csv, string? chart, CancellationToken cancellationToken)
    {
        if (Threads is not [var threads] || MicroBatches is not [var microBatch]) throw new UsageException("One run compares two positions: give -t and -ub one value each.");
        using var runner = Load(options with { Threads = threads, PrefillChunkSize = microBatch }, cancellationToken);
        FlatnessReport.Run(terminal, runner, last, reads, csv, chart, cancellationToken);
    }

    private void ForEachModel(Action<BenchRunner, int> run, CancellationToken cancellationToken)
    {
        foreach (var microBatch in MicroBatches)
        {
            foreach (var threads in Threads)
            {
                using var runner = Load(options with { Threads = threads, PrefillChunkSize = microBatch }, cancellationToken);
                foreach (var batch in Batches) run(runner, batch);
            }
        }
    }

    private BenchRunner Load(ModelOptions modelOptions, CancellationToken cancellationToken)
    {
        var runner = new BenchRunner(terminal, path, modelOptions, _start, cancellationToken);
        terminal.Error.WriteLine(
            $"loaded in {runner.LoadMilliseconds:F0} ms; first forward pass {runner.Start.FirstForward:F0} ms and first token {runner.Start.FirstToken:F0} ms after the process's start; "
            + $"kernels {runner.Model.KernelPath}, {runner.Model.Threads} threads, passes of at most {runner.Model.PrefillChunkSize}; {Processors.Name}");
        return runner;
    }

    /// <summary>Runs a test of so many tokens, between two measurements of the machine if they are asked for.</summary>
    private (T Result, Roofline? Limits) Measure<T>(BenchRunner runner, string name, long tokens, Func<T> test)
    {
        var limits = MeasuresLimits ? new Roofline(runner.Work, runner.Model.Threads) : null;
        limits?.Measure();
        T result;
        using (var progress = new ProgressBar(terminal, name, tokens, Units.Digits, betweenFrames: TimeSpan.FromSeconds(2)))
        {
            runner.Progress.Begin(progress);
            result = test();
        }

        limits?.Measure();
        return (result, limits);
    }

    private void TellMemory(ResidentMemory memory) => terminal.Error.WriteLine($"memory: {memory}");
}
