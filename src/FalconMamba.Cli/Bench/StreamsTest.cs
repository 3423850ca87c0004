using System.Diagnostics;
using System.Text.Json.Nodes;

namespace FalconMamba.Cli.Bench;

/// <summary>
/// Streams through the engine, which come together, beside the same sequences in step: what queue, choosing of tokens and
/// hand-over to the readers cost.
/// </summary>
/// <param name="Prompt">Prompt tokens of each stream.</param>
/// <param name="Generated">Tokens that each stream generates.</param>
/// <param name="Streams">How many streams.</param>
/// <param name="Batch">Prompt tokens of a call of those in step, all together.</param>
internal sealed record StreamsTest(int Prompt, int Generated, int Streams, int Batch)
{
    /// <summary>The tokens of one repetition, both ways together.</summary>
    public long Tokens => 2L * Streams * (Prompt + Generated);

    /// <summary>Runs both ways in turn as often as asked; the medians count.</summary>
    public StreamsResult Run(BenchRunner runner, int repetitions, bool warmUp, CancellationToken cancellationToken)
    {
        using var engine = new EngineRun(runner, Streams);
        var inStep = new ParallelTest(Prompt, Generated, Streams, Batch);
        if (warmUp)
        {
            runner.Progress.Pause(() => StartTimes.WarmUp(() =>
            {
                (inStep with { Prompt = Math.Min(Prompt, 16), Generated = Math.Min(Generated, 2) }).Once(runner, cancellationToken);
                Through(engine, Math.Min(Prompt, 16), 2, cancellationToken);
            }));
        }

        ResidentMemory.ResetPeak();
        var samples = new (double InStep, double Engine)[repetitions];
        foreach (ref var sample in samples.AsSpan())
        {
            var (read, generated) = inStep.Once(runner, cancellationToken);
            sample = (read + generated, Through(engine, Prompt, Generated, cancellationToken));
        }

        return new StreamsResult(this, [.. samples.Select(s => s.InStep)], [.. samples.Select(s => s.Engine)], ResidentMemory.Now());
    }

    private double Through(EngineRun engine, int prompt, int generated, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        var reading = Enumerable.Range(0, Streams).Select(_ => EngineRun.Read(engine.Submit(prompt, generated, cancellationToken), static () => { })).ToArray();
        Task.WhenAll(reading).GetAwaiter().GetResult();
        engine.Count(Streams * (prompt + generated));
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}

/// <summary>What a <see cref="StreamsTest"/> took: seconds of each repetition both ways, and memory at its end.</summary>
internal sealed record StreamsResult(StreamsTest Test, IReadOnlyList<double> InStepSeconds, IReadOnlyList<double> EngineSeconds, ResidentMemory Memory)
{
    /// <summary>The table's heading.</summary>
    public const string Heading =
        "|    PP |     TG |    B | in step t/s | engine t/s | ratio |\n"
        + "|-------|--------|------|-------------|------------|-------|";

    private double InStepRate => Rate(InStepSeconds);

    private double EngineRate => Rate(EngineSeconds);

    private double Ratio => Statistics.Median(InStepSeconds.Zip(EngineSeconds, (inStep, engine) => inStep / engine));

    /// <summary>The fields.</summary>
    public JsonObject Fields(BenchRunner runner)
    {
        var row = BenchRow.Describe(runner, Test.Batch);
        row["pp"] = Test.Prompt;
        row["tg"] = Test.Generated;
        row["pl"] = Test.Streams;
        row["speed_in_step"] = Math.Round(InStepRate, 6);
        row["speed_engine"] = Math.Round(EngineRate, 6);
        row["ratio"] = Math.Round(Ratio, 6);
        BenchRow.AddProcess(row, runner, Memory);
        return row;
    }

    /// <summary>The result's line of the table.</summary>
    public string Cells() => FormattableString.Invariant(
        $"|{Test.Prompt,6} | {Test.Generated,6} | {Test.Streams,4} | {InStepRate,11:F2} | {EngineRate,10:F2} | {Ratio,5:F3} |");

    private double Rate(IReadOnlyList<double> seconds) => Test.Tokens / 2 / Statistics.Median(seconds);
}
