using System.Diagnostics;
using System.Text.Json.Nodes;

namespace FalconMamba.Cli.Bench;

/// <summary>How long running streams wait for their tokens while the engine reads a long prompt beside them.</summary>
/// <param name="Beside">The prompt's tokens.</param>
/// <param name="Streams">How many streams run.</param>
internal sealed record GapTest(int Beside, int Streams)
{
    // Undisturbed tokens of each stream: the first ones, which do not count, and those that do, before the prompt and after it.
    private const int FirstTokens = 64, CountedTokens = 256;

    // A token costs the same wherever it stands, so the beginning of a long prompt tells what it takes alone.
    private const int MostAlone = 8192;

    /// <summary>The prompt's tokens that are read alone.</summary>
    public int Alone => Math.Min(Beside, MostAlone);

    /// <summary>The prompt's tokens, read alone and beside the streams.</summary>
    public long Tokens => Alone + (long)Beside;

    /// <summary>Runs the test once.</summary>
    public GapResult Run(BenchRunner runner, CancellationToken cancellationToken)
    {
        using var engine = new EngineRun(runner, Streams + 1);
        ResidentMemory.ResetPeak();
        var alone = Read(engine, Alone, cancellationToken);
        var clocks = Enumerable.Range(0, Streams).Select(_ => new GapClock(FirstTokens, CountedTokens)).ToArray();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var streams = clocks.Select(clock => EngineRun.Read(engine.Submit(1, int.MaxValue, ending.Token), clock.Tick)).ToArray();
        Await(clocks.Select(clock => clock.Undisturbed), streams, cancellationToken);
        foreach (var clock in clocks) clock.Disturb();
        var beside = Read(engine, Beside, cancellationToken);
        Await(clocks.Select(clock => clock.EndAsync()), streams, cancellationToken);
        ending.Cancel();
        Task.WhenAny(Task.WhenAll(streams)).GetAwaiter().GetResult();
        return new GapResult(
            this, Gaps(clock => clock.Before), Gaps(clock => clock.Meanwhile), Gaps(clock => clock.After), alone, beside, ResidentMemory.Now());

        double[] Gaps(Func<GapClock, IReadOnlyList<double>> of) => [.. clocks.SelectMany(of)];
    }

    // The streams have no end of their own: one that has ended has failed, and no clock of it will tick again.
    private static void Await(IEnumerable<Task> clocks, Task[] streams, CancellationToken cancellationToken) =>
        Task.WhenAny([Task.WhenAll(clocks), .. streams]).WaitAsync(cancellationToken).GetAwaiter().GetResult().GetAwaiter().GetResult();

    private static double Read(EngineRun engine, int tokens, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        EngineRun.Read(engine.Submit(tokens, 1, cancellationToken), static () => { }).GetAwaiter().GetResult();
        engine.Count(tokens);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}

/// <summary>The times between the tokens of one stream, in seconds, as its reader sees them.</summary>
internal sealed class GapClock(int firstTokens, int countedTokens)
{
    private readonly TaskCompletionSource _undisturbed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<double> _before = [], _meanwhile = [], _after = [];
    private long _last;
    private int _count;
    private bool _isAfter;
    private volatile bool _isDisturbed, _isRead;

    /// <summary>Ends when there are enough undisturbed tokens.</summary>
    public Task Undisturbed => _undisturbed.Task;

    /// <summary>The gaps before the prompt came.</summary>
    public IReadOnlyList<double> Before => _before;

    /// <summary>The gaps while it was read.</summary>
    public IReadOnlyList<double> Meanwhile => _meanwhile;

    /// <summary>The gaps after it.</summary>
    public IReadOnlyList<double> After => _after;

    /// <summary>Told of each token.</summary>
    public void Tick()
    {
        var now = Stopwatch.GetTimestamp();
        var gap = Stopwatch.GetElapsedTime(_last, now).TotalSeconds;
        _last = now;
        if (!_isDisturbed)
        {
            if (_count >= firstTokens) _before.Add(gap);
            if (++_count == firstTokens + countedTokens) _undisturbed.TrySetResult();
        }
        else if (!_isAfter)
        {
            // The gap that the prompt's last step makes counts too.
            _meanwhile.Add(gap);
            _isAfter = _isRead;
        }
        else if (_after.Count < countedTokens)
        {
            _after.Add(gap);
            if (_after.Count == countedTokens) _ended.TrySetResult();
        }
    }

    /// <summary>The prompt comes.</summary>
    public void Disturb() => _isDisturbed = true;

    /// <summary>The prompt is read.</summary>
    /// <returns>Ends when there are enough undisturbed tokens again.</returns>
    public Task EndAsync()
    {
        _isRead = true;
        return _ended.Task;
    }
}

/// <summary>What a <see cref="GapTest"/> found: gaps in seconds, and seconds of the prompt's beginning alone and of all of it beside the streams.</summary>
internal sealed record GapResult(
    GapTest Test, IReadOnlyList<double> Before, IReadOnlyList<double> Meanwhile, IReadOnlyList<double> After,
    double AloneSeconds, double BesideSeconds, ResidentMemory Memory)
{
    /// <summary>The table's heading.</summary>
    public const string Heading =
        "|  prompt |    B | step ms | gap median ms | gap longest ms | bound ms |   beyond | prompt t/s | alone t/s |\n"
        + "|---------|------|---------|---------------|----------------|----------|----------|------------|-----------|";

    private const double LeastBound = 150;

    // Memory changes its speed while a long prompt is read, so steps on both sides of it count.
    private double Step => 1e3 * Statistics.Median([.. Before, .. After]);

    private double Median => 1e3 * Statistics.Median(Meanwhile);

    private double Longest => 1e3 * Meanwhile.Max();

    private double Bound => Math.Max(LeastBound, 3 * Step);

    private int Beyond => Meanwhile.Count(gap => 1e3 * gap > Bound);

    private double AloneRate => Test.Alone / AloneSeconds;

    /// <summary>The fields.</summary>
    public JsonObject Fields(BenchRunner runner)
    {
        var row = BenchRow.Describe(runner, Test.Beside);
        row["pp"] = Test.Beside;
        row["pl"] = Test.Streams;
        row["step_ms"] = Math.Round(Step, 3);
        row["step_before_ms"] = Math.Round(1e3 * Statistics.Median(Before), 3);
        row["step_after_ms"] = Math.Round(1e3 * Statistics.Median(After), 3);
        row["gap_median_ms"] = Math.Round(Median, 3);
        row["gap_longest_ms"] = Math.Round(Longest, 3);
        row["gap_bound_ms"] = Math.Round(Bound, 3);
        row["gaps_beyond_bound"] = Beyond;
        row["speed_pp"] = Math.Round(Test.Beside / BesideSeconds, 3);
        row["speed_pp_alone"] = Math.Round(AloneRate, 3);
        row["tokens_meanwhile"] = Meanwhile.Count;
        BenchRow.AddProcess(row, runner, Memory);
        return row;
    }

    /// <summary>The result's line of the table.</summary>
    public string Cells() => FormattableString.Invariant(
        $"|{Test.Beside,8} | {Test.Streams,4} | {Step,7:F2} | {Median,13:F2} | {Longest,14:F2} | {Bound,8:F2} | {Beyond + "/" + Meanwhile.Count,8} | {Test.Beside / BesideSeconds,10:F1} | {AloneRate,9:F1} |");
}
