using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels;

/// <summary>
/// How fast this machine reads memory: the bound of token-by-token generation. A 1 GB buffer, of huge pages where the system
/// has them, is read in one stream a thread, plainly and with software prefetch; the best of all rounds counts.
/// </summary>
public static unsafe class MemoryBandwidth
{
    private const int BlockBytes = 1024 * 1024, Line = 64, PrefetchBytes = 2048;

    /// <summary>Measures the bandwidth.</summary>
    /// <param name="threads">Threads that read; 0 for one a physical core.</param>
    /// <param name="rounds">Reads of the buffer for each way of reading.</param>
    /// <param name="bytes">The buffer's size; far above the last cache.</param>
    /// <returns>Bytes a second.</returns>
    public static double Measure(int threads = 0, int rounds = 4, int bytes = 1 << 30)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, BlockBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(rounds, 1);
        if (threads <= 0) threads = Processor.PhysicalCores;
        var buffer = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, MemoryAdvice.HugePage);
        try
        {
            MemoryAdvice.PreferHugePages(buffer, (nuint)bytes);
            var fill = new FillJob { Buffer = buffer };
            ComputePool.Shared.Run(ref fill, bytes / BlockBytes, threads);
            var best = 0.0;
            // Rounds are the outer loop: a moment in which the machine is busy then disturbs every way of reading alike.
            for (var round = 0; round < rounds; round++)
            {
                foreach (var prefetch in (ReadOnlySpan<bool>)[false, true])
                {
                    var job = new ReadJob { Buffer = buffer, Prefetch = prefetch };
                    var start = Stopwatch.GetTimestamp();
                    ComputePool.Shared.Run(ref job, bytes / BlockBytes, threads);
                    best = Math.Max(best, bytes / Stopwatch.GetElapsedTime(start).TotalSeconds);
                }
            }

            return best;
        }
        finally
        {
            NativeMemory.AlignedFree(buffer);
        }
    }

    // Every page needs memory of its own, and the system is slow to give it: that is shared among the threads too.
    private struct FillJob : IBlockJob
    {
        public byte* Buffer;

        public readonly void Run(int block) => new Span<byte>(Buffer + ((nint)block * BlockBytes), BlockBytes).Fill(1);
    }

    private struct ReadJob : IBlockJob
    {
        public byte* Buffer;
        public bool Prefetch;
        public float Sum;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int block)
        {
            var start = Buffer + ((nint)block * BlockBytes);
            Vector512<float> a = default, b = default, c = default, d = default;
            for (var p = start; p < start + BlockBytes; p += 4 * Line)
            {
                if (Prefetch && Sse.IsSupported)
                {
                    Sse.Prefetch0(p + PrefetchBytes);
                    Sse.Prefetch0(p + PrefetchBytes + Line);
                    Sse.Prefetch0(p + PrefetchBytes + (2 * Line));
                    Sse.Prefetch0(p + PrefetchBytes + (3 * Line));
                }

                // Two registers of half the width where there are none of 512 bits.
                a += Vector512.Load((float*)p);
                b += Vector512.Load((float*)(p + Line));
                c += Vector512.Load((float*)(p + (2 * Line)));
                d += Vector512.Load((float*)(p + (3 * Line)));
            }

            Sum += (a + b + c + d)[0];
        }
    }
}
