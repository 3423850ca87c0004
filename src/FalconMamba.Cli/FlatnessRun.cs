using System.Diagnostics;
using System.Globalization;
using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary>
/// Shows that a token costs the same wherever it stands: keeps the state at an early token, generates to a late one, and then
/// times blocks from both in turn, so that a noisy machine disturbs both alike.
/// </summary>
internal sealed class FlatnessRun : IDisposable
{
    public const int EarlyPosition = 1000;
    private const int Block = 1000, Pairs = 20, Rows = 200;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);

    private readonly BenchRunner _runner;
    private readonly RecurrentState _early, _late;

    public FlatnessRun(BenchRunner runner)
    {
        _runner = runner;
        _early = runner.Model.CreateState();
        _late = runner.Model.CreateState();
    }

    /// <summary>Median seconds of a block early and late, and of the ratios of the pairs.</summary>
    public (double Early, double Late, double Ratio) Times { get; private set; }

    /// <summary>Resident bytes at the early and at the late position.</summary>
    public (long Early, long Late) Resident { get; private set; }

    /// <summary>Managed bytes that the late blocks allocated.</summary>
    public long Allocated { get; private set; }

    /// <summary>Keeps the state at the early position and generates to the late one.</summary>
    /// <param name="last">The late position.</param>
    /// <param name="csv">Receives position, microseconds a token and resident bytes, or null.</param>
    /// <param name="progress">Told the position.</param>
    /// <param name="cancellationToken">Looked at for every token.</param>
    public void Generate(int last, TextWriter? csv, IProgress<long> progress, CancellationToken cancellationToken)
    {
        // The runtime recompiles what is called often, and takes memory for it, in the first seconds of a process.
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < WarmUp;)
        {
            _ = Line(0, Time(_early, 100, cancellationToken));
            progress.Report(0);
        }

        _ = ResidentBytes();
        _early.Reset();
        _runner.Step(_early, EarlyPosition, cancellationToken);
        _late.CopyFrom(_early);
        csv?.WriteLine("position,us_per_token,resident_bytes");
        Resident = (ResidentBytes(), 0);
        var stride = Math.Max(1, (last - EarlyPosition) / Rows);
        for (var position = EarlyPosition; position < last;)
        {
            var count = Math.Min(stride, last - position);
            var seconds = Time(_late, count, cancellationToken);
            position += count;
            progress.Report(position);
            csv?.WriteLine(Line(position, seconds / count));
        }

        Resident = (Resident.Early, ResidentBytes());
    }

    /// <summary>Times blocks from both states in turn.</summary>
    public void Compare(CancellationToken cancellationToken)
    {
        using var scratch = _early.Fork();
        var (times, lateTimes, ratios) = (new double[Pairs], new double[Pairs], new double[Pairs]);
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        for (var pair = 0; pair < Pairs; pair++)
        {
            scratch.CopyFrom(_early);
            times[pair] = Time(scratch, Block, cancellationToken);
            scratch.CopyFrom(_late);
            lateTimes[pair] = Time(scratch, Block, cancellationToken);
            ratios[pair] = lateTimes[pair] / times[pair];
        }

        Allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        Times = (Median(times), Median(lateTimes), Median(ratios));
    }

    public void Dispose()
    {
        _early.Dispose();
        _late.Dispose();
    }

    private static string Line(int position, double seconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{position},{seconds * 1e6:F2},{Environment.WorkingSet}");

    private double Time(RecurrentState state, int count, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        _runner.Step(state, count, cancellationToken);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // What the measuring itself left behind, such as the lines of the CSV, is given back first.
    private static long ResidentBytes()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return Environment.WorkingSet;
    }

    private static double Median(double[] values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
