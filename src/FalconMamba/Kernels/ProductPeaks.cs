using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FalconMamba.Kernels.Assembled;

namespace FalconMamba.Kernels;

/// <summary>
/// How fast this machine multiplies and adds on registers alone: the bound of reading prompts and of generating for many
/// sequences at once. The best instructions for a type, and the best of all rounds, count.
/// </summary>
public static class ProductPeaks
{
    private const int Turns = 10_000, BlocksPerThread = 32;

    /// <summary>Fused multiply-adds of float32.</summary>
    /// <param name="threads">Threads that compute; 0 for one a physical core.</param>
    /// <param name="rounds">How often to try; a round takes a few milliseconds.</param>
    /// <returns>Multiplications and additions a second, together.</returns>
    public static double MeasureFloats(int threads = 0, int rounds = 10)
    {
        if (Vector512.IsHardwareAccelerated) return Measure<FloatProduct512, Vector512<float>>(threads, rounds);
        return Vector256.IsHardwareAccelerated
            ? Measure<FloatProduct256, Vector256<float>>(threads, rounds)
            : Measure<FloatProduct128, Vector128<float>>(threads, rounds);
    }

    /// <summary>Products of numbers of eight bits, added up in 32 bits.</summary>
    /// <inheritdoc cref="MeasureFloats"/>
    public static double MeasureBytes(int threads = 0, int rounds = 10)
    {
        var best = Measure<ByteProduct128, Vector128<int>>(threads, rounds);
        if (Avx2.IsSupported) best = Math.Max(best, Measure<ByteProduct256, Vector256<int>>(threads, rounds));
        if (AvxVnni.IsSupported) best = Math.Max(best, Measure<ByteDotProduct256, Vector256<int>>(threads, rounds));
        if (Avx512BW.IsSupported) best = Math.Max(best, Measure<ByteProduct512, Vector512<int>>(threads, rounds));
        return Math.Max(best, Measure(PeakProduct.Int8, threads, rounds));
    }

    /// <summary>Products of bfloat16, added up in float32; 0 where the processor has none.</summary>
    /// <inheritdoc cref="MeasureFloats"/>
    public static double MeasureBFloat16(int threads = 0, int rounds = 10) => Measure(PeakProduct.BFloat16, threads, rounds);

    internal static unsafe double Measure(PeakProduct product, int threads, int rounds)
    {
        var kernel = PeakKernel.Find(product);
        return kernel is null
            ? 0
            : Best(new AssembledJob { Kernel = kernel }, (double)Turns * PeakKernel.Chains * PeakKernel.Operations(product), threads, rounds);
    }

    internal static double Measure<TProduct, T>(int threads, int rounds)
        where TProduct : struct, IProduct<T>
        where T : struct =>
        Best(default(ProductJob<TProduct, T>), (double)ProductJob<TProduct, T>.StepsOfBlock * TProduct.Operations, threads, rounds);

    private static double Best<TJob>(TJob job, double operationsOfBlock, int threads, int rounds) where TJob : struct, IBlockJob
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rounds, 1);
        if (threads <= 0) threads = Processor.PhysicalCores;
        var blocks = threads * BlocksPerThread;
        var best = 0.0;
        for (var round = 0; round < rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            ComputePool.Shared.Run(ref job, blocks, threads);
            best = Math.Max(best, blocks * operationsOfBlock / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private unsafe struct AssembledJob : IBlockJob
    {
        public delegate* unmanaged[Cdecl]<void*, void> Kernel;

        public readonly void Run(int block)
        {
            long turns = Turns;
            Kernel(&turns);
        }
    }

    /// <summary>Ten independent chains, which hide the latency of a step and fit sixteen registers.</summary>
    private struct ProductJob<TProduct, T> : IBlockJob
        where TProduct : struct, IProduct<T>
        where T : struct
    {
        public const int StepsOfBlock = 10 * Turns;

        // What is kept nowhere need not be computed.
        public (T, T, T, T, T, T, T, T, T, T) Sums;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int block)
        {
            var factor = TProduct.Factor;
            T a = factor, b = factor, c = factor, d = factor, e = factor, f = factor, g = factor, h = factor, i = factor, j = factor;
            for (var turn = 0; turn < Turns; turn++)
            {
                a = TProduct.Step(a, factor);
                b = TProduct.Step(b, factor);
                c = TProduct.Step(c, factor);
                d = TProduct.Step(d, factor);
                e = TProduct.Step(e, factor);
                f = TProduct.Step(f, factor);
                g = TProduct.Step(g, factor);
                h = TProduct.Step(h, factor);
                i = TProduct.Step(i, factor);
                j = TProduct.Step(j, factor);
            }

            Sums = (a, b, c, d, e, f, g, h, i, j);
        }
    }
}
