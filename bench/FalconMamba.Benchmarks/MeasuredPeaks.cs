using FalconMamba.Kernels;

namespace FalconMamba.Benchmarks;

/// <summary>What this machine reaches at best, measured once in the process that runs the benchmarks.</summary>
internal static class MeasuredPeaks
{
    private static readonly Lazy<double> Memory = new(() => MemoryBandwidth.Measure(Threads));
    private static readonly Lazy<double> Floats = new(() => ProductPeaks.MeasureFloats(Threads));
    private static readonly Lazy<double> Bytes = new(() => ProductPeaks.MeasureBytes(Threads));

    /// <summary>The threads of every kernel and of the measurements.</summary>
    public static int Threads => Processor.PhysicalCores;

    /// <summary>Bytes a second.</summary>
    public static double Bandwidth => Memory.Value;

    /// <summary>Multiplications and additions a second; NaN for what is no matrix product.</summary>
    public static double Operations(Products products) => products switch
    {
        Products.Floats => Floats.Value,
        Products.Bytes => Bytes.Value,
        _ => double.NaN,
    };
}
