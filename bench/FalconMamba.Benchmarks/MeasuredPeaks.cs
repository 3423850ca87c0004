using FalconMamba.Kernels;

namespace FalconMamba.Benchmarks;

/// <summary>What this machine reaches at best, measured once in the process that runs the benchmarks.</summary>
internal static class MeasuredPeaks
{
    private static readonly Lazy<double> Measured = new(() => MemoryBandwidth.Measure(Threads));

    /// <summary>The threads of every kernel and of the measurement.</summary>
    public static int Threads => Processor.PhysicalCores;

    /// <summary>Bytes a second.</summary>
    public static double Bandwidth => Measured.Value;
}
