using System.Diagnostics;
using System.Text.Json.Nodes;

namespace FalconMamba.Cli.Bench;

/// <summary>How long running streams wait for their tokens while the engine reads a long prompt beside them.</summary>
/// <param name="Beside">The prompt's tokens.</param>
/// <param name="Streams">How many streams run.</param>
internal sealed record GapTest(int Beside, int Streams)
{
    // Undisturbed tokens of each stream: the first ones, which do not count, and those that do.
    private const int FirstTokens = 64, CountedTokens = 256;

    /// <summary>The prompt's tokens, read alone and beside the streams.</summary>
    public long Tokens => 2L * Beside;

    /// <summary>Runs the test once.</summary>
    public GapResult Run(BenchRunner runner, CancellationToken cancellationToken)
    {
        using var engine = new EngineRun(runner, Streams + 1);
        ResidentMemory.ResetPeak();
        var alone = Read(engine, cancellationToken);
        var clocks = Enumerable.Range(0, Streams).Select(_ => new GapClock(FirstTokens, CountedTokens)).ToArray();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var streams = clocks.Select(clock => EngineRun.Read(engine.Submit(1, int.MaxValue, ending.Token), clock.Tick)).ToArray();
        Await(clocks.Select(clock => clock.Undisturbed), streams, cancellationToken);
        foreach (var clock in clocks) clock.Disturb();
        var beside = Read(engine, cancellationToken);
        // The gap that the prompt's last step makes counts too.
        Await(clocks.Select(clock => clock.EndAsync()), streams, cancellationToken);
        ending.Cancel();
        Task.WhenAny(Task.WhenAll(streams)).GetAwaiter().GetResult();
        return new GapResult(this, [.. clocks.SelectMany(clock => clock.Before)], [.. clocks.SelectMany(clock => clock.Meanwhile)], alone, beside, ResidentMemory.Now());
    }

    // The streams have no end of their own: one that has ended has failed, and no clock of it will tick again.
    private static void Await(IEnumerable<Task> clocks, Task[] streams, CancellationToken cancellationToken) =>
        Task.WhenAny([Task.WhenAll(clocks), .. streams]).WaitAsync(cancellationToken).GetAwaiter().GetResult().GetAwaiter().GetResult();

    private double Read(EngineRun engine, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        EngineRun.Read(engine.Submit(Beside, 1, cancellationToken), static () => { }).GetAwaiter().GetResult();
        engine.Count(Beside);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}

/// <summary>The times between the tokens of one stream, in seconds, as its reader sees them.</summary>
internal sealed class GapClock(int firstTokens, int countedTokens)
{
    private readonly TaskCompletionSource _undisturbed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<double> _before = [], _meanwhile = [];
    private long _last;
    private int _count;
    private volatile bool _isDisturbed, _isEnding;

    /// <summary>Ends when there are enough undisturbed tokens.</summary>
    public Task Undisturbed => _undisturbed.Task;

    /// <summary>The gaps before the prompt came.</summary>
    public IReadOnlyList<double> Before => _before;

    /// <summary>The gaps while it was read.</summary>
    public IReadOnlyList<double> Meanwhile => _meanwhile;

    /// <summary>Told of each token.</summary>
    public void Tick()
    {
        var now = Stopwatch.GetTimestamp();
        var gap = Stopwatch.GetElapsedTime(_last, now).TotalSeconds;
        _last = now;
        if (_ended.Task.IsCompleted) return;
        if (_isDisturbed) _meanwhile.Add(gap);
        else if (_count >= firstTokens) _before.Add(gap);
        if (++_count == firstTokens + countedTokens) _undisturbed.TrySetResult();
        if (_isEnding) _ended.TrySetResult();
    }

    /// <summary>The prompt comes.</summary>
    public void Disturb() => _isDisturbed = true;

    /// <summary>The prompt is read.</summary>
    /// <returns>Ends with the next token, which is the last that counts.</returns>
    public Task EndAsync()
    {
        _isEnding = true;
        return _ended.Task;
    }
}

/// <summary>What a <see cref="GapTest"/> found: gaps in seconds, and seconds of the prompt alone and beside the streams.</summary>
internal sealed record GapResult(
    GapTest Test, IReadOnlyList<double> Before, IReadOnlyList<double> Meanwhile, double AloneSeconds, double BesideSeconds, ResidentMemory Memory)
{
    /// <summary>The table's heading.</summary>
    public const string Heading =
        "|  prompt |    B | step ms | gap median ms | gap longest ms | bound ms | prompt t/s | alone t/s |\n"
        + "|---------|------|---------|---------------|----------------|----------|------------|-----------|";

    private const double LeastBound = 150;

    private double Step => 1e3 * Statistics.Median(Before);

    private double Median => 1e3 * Statistics.Median(Meanwhile);

    private double Longest => 1e3 * Meanwhile.Max();

    private double Bound => Math.Max(LeastBound, 3 * Step);

    /// <summary>The fields.</summary>
    public JsonObject Fields(BenchRunner runner)
    {
        var row = BenchRow.Describe(runner, Test.Beside);
        row["pp"] = Test.Beside;
        row["pl"] = Test.Streams;
        row["step_ms"] = Math.Round(Step, 3);
        row["gap_median_ms"] = Math.Round(Median, 3);
        row["gap_longest_ms"] = Math.Round(Longest, 3);
        row["gap_bound_ms"] = Math.Round(Bound, 3);
        row["speed_pp"] = Math.Round(Test.Beside / BesideSeconds, 3);
        row["speed_pp_alone"] = Math.Round(Test.Beside / AloneSeconds, 3);
        row["tokens_meanwhile"] = Meanwhile.Count;
        BenchRow.AddProcess(row, runner, Memory);
        return row;
    }

    /// <summary>The result's line of the table.</summary>
    public string Cells() => FormattableString.Invariant(
        $"|{Test.Beside,8} | {Test.Streams,4} | {Step,7:F2} | {Median,13:F2} | {Longest,14:F2} | {Bound,8:F2} | {Test.Beside / BesideSeconds,10:F1} | {Test.Beside / AloneSeconds,9:F1} |");
}
