using System.Diagnostics;
using FalconMamba.Model;

namespace FalconMamba.Cli.Bench;

/// <summary>
/// Shows that a token costs the same wherever it stands: keeps the state at an early token, generates or reads to a late one,
/// and then times blocks from both in turn, so that a noisy machine disturbs both alike.
/// </summary>
internal sealed class FlatnessRun : IDisposable
{
    public const int EarlyPosition = 1000, Pairs = 20;
    private const int LongestBlock = 1000, PassesOfBlock = 8, Moments = 200, StepsBetweenReports = 10;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);

    private readonly BenchRunner _runner;
    private readonly RecurrentState _early, _late, _scratch;
    private readonly int _last, _stride;
    private readonly bool _reads;

    /// <param name="runner">The model.</param>
    /// <param name="last">The late position, at least twice the early one.</param>
    /// <param name="reads">Whether tokens are those of a prompt, many in a pass, rather than generated one by one.</param>
    public FlatnessRun(BenchRunner runner, int last, bool reads)
    {
        _runner = runner;
        _last = last;
        _reads = reads;
        PassTokens = reads ? runner.Model.PrefillChunkSize : 1;
        _stride = WholePasses((last - EarlyPosition) / Moments);
        Block = WholePasses(Math.Min(reads ? PassesOfBlock * PassTokens : LongestBlock, last / (2 * Pairs)));
        _early = runner.Model.CreateState();
        _late = runner.Model.CreateState();
        _scratch = runner.Model.CreateState();
        Track = new FlatnessTrack(Math.Max(1, (last - EarlyPosition) / _stride));
    }

    /// <summary>Tokens that go through the layers together.</summary>
    public int PassTokens { get; }

    /// <summary>Tokens of a block: whole passes, at least one, and else so few that comparing never takes longer than the way there did.</summary>
    public int Block { get; }

    /// <summary>Time and memory along the way.</summary>
    public FlatnessTrack Track { get; }

    /// <summary>Median seconds of a token early and late, and the median of the pairs' ratios.</summary>
    public (double Early, double Late, double Ratio) Times { get; private set; }

    /// <summary>What was in memory at the early and at the late position.</summary>
    public (ResidentMemory Early, ResidentMemory Late) Resident { get; private set; }

    /// <summary>Keeps the state at the early position and goes on to the late one.</summary>
    /// <param name="progress">Told the position.</param>
    /// <param name="cancellationToken">Looked at for every token.</param>
    public void GoOn(IProgress<long> progress, CancellationToken cancellationToken)
    {
        var betweenReports = _reads ? PassTokens : StepsBetweenReports;
        // The runtime recompiles what is called often, and takes memory for it, in the first seconds of a process.
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < WarmUp;)
        {
            _ = Time(_early, betweenReports, cancellationToken);
            _ = ResidentMemory.Now();
            progress.Report(0);
        }

        _early.Reset();
        while (_early.TokenCount < EarlyPosition)
        {
            Move(_early, Math.Min(betweenReports, EarlyPosition - (int)_early.TokenCount), cancellationToken);
            progress.Report(_early.TokenCount);
        }

        _late.CopyFrom(_early);
        _scratch.CopyFrom(_early);
        _ = Settled();
        var early = Settled();
        for (var position = EarlyPosition; position < _last;)
        {
            // A short rest would not show what a token costs.
            var count = _last - position < 2 * _stride ? _last - position : _stride;
            var seconds = Time(_late, count, cancellationToken);
            position += count;
            progress.Report(position);
            Track.Add(new FlatnessSample(position, seconds / count, ResidentMemory.Now()));
        }

        Resident = (early, Settled());
    }

    /// <summary>Times blocks from both states in turn.</summary>
    /// <param name="progress">Told the tokens done.</param>
    /// <param name="cancellationToken">Looked at for every token.</param>
    public void Compare(IProgress<long> progress, CancellationToken cancellationToken)
    {
        var (times, lateTimes, ratios) = (new double[Pairs], new double[Pairs], new double[Pairs]);
        for (var pair = 0; pair < Pairs; pair++)
        {
            times[pair] = TimeFrom(_early, cancellationToken);
            lateTimes[pair] = TimeFrom(_late, cancellationToken);
            ratios[pair] = lateTimes[pair] / times[pair];
            progress.Report(2L * Block * (pair + 1));
        }

        Times = (Statistics.Median(times) / Block, Statistics.Median(lateTimes) / Block, Statistics.Median(ratios));
    }

    /// <summary>Counts the managed bytes that one more late block allocates; nothing else must be going on.</summary>
    public long CountAllocations(CancellationToken cancellationToken)
    {
        _scratch.CopyFrom(_late);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        Move(_scratch, Block, cancellationToken);
        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }

    public void Dispose()
    {
        _early.Dispose();
        _late.Dispose();
        _scratch.Dispose();
    }

    private double TimeFrom(RecurrentState state, CancellationToken cancellationToken)
    {
        _scratch.CopyFrom(state);
        return Time(_scratch, Block, cancellationToken);
    }

    private double Time(RecurrentState state, int count, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        Move(state, count, cancellationToken);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private void Move(RecurrentState state, int count, CancellationToken cancellationToken)
    {
        if (_reads) _runner.Read(state, count, cancellationToken);
        else _runner.Step(state, count, cancellationToken);
    }

    private int WholePasses(int tokens) => Math.Max(1, tokens / PassTokens) * PassTokens;

    // What the measuring itself left behind is given back first.
    private static ResidentMemory Settled()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return ResidentMemory.Now();
    }
}
