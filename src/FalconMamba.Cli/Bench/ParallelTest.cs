using System.Diagnostics;
using System.Text.Json.Nodes;
using FalconMamba.Model;

namespace FalconMamba.Cli.Bench;

/// <summary>
/// Several sequences at once, in llama-batched-bench's terms: each reads a prompt, and then all generate in step, one call
/// of the model a step.
/// </summary>
/// <param name="Prompt">Prompt tokens of each sequence.</param>
/// <param name="Generated">Tokens that each sequence generates.</param>
/// <param name="Sequences">How many sequences.</param>
/// <param name="Batch">Prompt tokens of a call, all sequences together.</param>
internal sealed record ParallelTest(int Prompt, int Generated, int Sequences, int Batch)
{
    /// <summary>The tokens that all states have seen in the end.</summary>
    public long Tokens => (long)Sequences * (Prompt + Generated);

    /// <summary>Runs the test as often as asked; the medians of the two times count.</summary>
    public ParallelResult Run(BenchRunner runner, int repetitions, bool warmUp, CancellationToken cancellationToken)
    {
        var warmUpTest = this with { Prompt = Math.Min(Prompt, 16), Generated = Math.Min(Generated, 2) };
        if (warmUp) runner.Progress.Pause(() => StartTimes.WarmUp(() => warmUpTest.Once(runner, cancellationToken)));
        ResidentMemory.ResetPeak();
        var samples = new (double Prompt, double Generation)[repetitions];
        foreach (ref var sample in samples.AsSpan()) sample = Once(runner, cancellationToken);
        return new ParallelResult(this, [.. samples.Select(s => s.Prompt)], [.. samples.Select(s => s.Generation)], ResidentMemory.Now());
    }

    /// <summary>Runs the test once: seconds for the prompts and for what is generated.</summary>
    public (double Prompt, double Generation) Once(BenchRunner runner, CancellationToken cancellationToken)
    {
        var states = new RecurrentState[Sequences];
        foreach (ref var state in states.AsSpan()) state = runner.Model.CreateState();
        try
        {
            var began = Stopwatch.GetTimestamp();
            if (Prompt > 0) runner.Read(states, Prompt, Batch, cancellationToken);
            var read = Stopwatch.GetTimestamp();
            runner.Step(states, Generated, cancellationToken);
            return (Prompt > 0 ? Stopwatch.GetElapsedTime(began, read).TotalSeconds : 0, Generated > 0 ? Stopwatch.GetElapsedTime(read).TotalSeconds : 0);
        }
        finally
        {
            Array.ForEach(states, state => state.Dispose());
        }
    }
}

/// <summary>What a <see cref="ParallelTest"/> took: seconds of each repetition, and memory at its end.</summary>
internal sealed record ParallelResult(ParallelTest Test, IReadOnlyList<double> PromptSeconds, IReadOnlyList<double> GenerationSeconds, ResidentMemory Memory)
{
    /// <summary>The table's heading.</summary>
    public const string Heading =
        "|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |\n"
        + "|-------|--------|------|--------|----------|----------|----------|----------|----------|----------|";

    private double PromptTime => Statistics.Median(PromptSeconds);

    private double GenerationTime => Statistics.Median(GenerationSeconds);

    private double Time => PromptTime + GenerationTime;

    /// <summary>Prompt tokens a second, all sequences together; 0 without a prompt.</summary>
    public double PromptRate => Rate(Test.Sequences * (double)Test.Prompt, PromptTime);

    /// <summary>Generated tokens a second, all sequences together; 0 where none are.</summary>
    public double GenerationRate => Rate(Test.Sequences * (double)Test.Generated, GenerationTime);

    /// <summary>The prompt's rate in the fastest repetition.</summary>
    public double BestPromptRate => Rate(Test.Sequences * (double)Test.Prompt, PromptSeconds.Min());

    /// <summary>Generation's rate in the fastest repetition.</summary>
    public double BestGenerationRate => Rate(Test.Sequences * (double)Test.Generated, GenerationSeconds.Min());

    /// <summary>The fields, with llama-batched-bench's names behind those that say what ran.</summary>
    public JsonObject Fields(BenchRunner runner, Roofline? roofline)
    {
        var row = BenchRow.Describe(runner, Test.Batch);
        row["pp"] = Test.Prompt;
        row["tg"] = Test.Generated;
        row["pl"] = Test.Sequences;
        row["n_kv"] = Test.Tokens;
        row["t_pp"] = Math.Round(PromptTime, 6);
        row["speed_pp"] = Math.Round(PromptRate, 6);
        row["t_tg"] = Math.Round(GenerationTime, 6);
        row["speed_tg"] = Math.Round(GenerationRate, 6);
        row["t"] = Math.Round(Time, 6);
        row["speed"] = Math.Round(Rate(Test.Tokens, Time), 6);
        BenchRow.AddProcess(row, runner, Memory);
        if (roofline is null) Roofline.AddNothing(row);
        else roofline.AddTo(row, PromptRate, GenerationRate, Test.Sequences);
        return row;
    }

    /// <summary>The result's line of the table.</summary>
    public string Cells() => FormattableString.Invariant(
        $"|{Test.Prompt,6} | {Test.Generated,6} | {Test.Sequences,4} | {Test.Tokens,6} | {PromptTime,8:F3} | {PromptRate,8:F2} | {GenerationTime,8:F3} | {GenerationRate,8:F2} | {Time,8:F3} | {Rate(Test.Tokens, Time),8:F2} |");

    private static double Rate(double tokens, double seconds) => seconds > 0 ? tokens / seconds : 0;
}
