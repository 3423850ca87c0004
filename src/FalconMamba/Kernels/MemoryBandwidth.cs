using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels;

/// <summary>
/// How fast this machine reads memory: the bound of token-by-token generation. A 1 GB buffer is read plainly, with software
/// prefetch, and from huge pages; the best of all rounds counts.
/// </summary>
public static unsafe partial class MemoryBandwidth
{
    private const int BlockBytes = 256 * 1024;
    private const nuint HugePage = 2 * 1024 * 1024;
    private const int AdviseHugePages = 14, AdviseSmallPages = 15;

    /// <summary>Measures the bandwidth.</summary>
    /// <param name="threads">Threads that read; 0 for one a physical core.</param>
    /// <param name="rounds">Reads of the buffer for each way of reading.</param>
    /// <param name="bytes">The buffer's size; far above the last cache.</param>
    /// <returns>Bytes a second.</returns>
    public static double Measure(int threads = 0, int rounds = 3, int bytes = 1 << 30)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, BlockBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(rounds, 1);
        if (threads <= 0) threads = Processor.PhysicalCores;
        var small = Read(bytes, AdviseSmallPages, threads, rounds);
        return Math.Max(small, Read(bytes, AdviseHugePages, threads, rounds));
    }

    private static double Read(int bytes, int advice, int threads, int rounds)
    {
        var buffer = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, HugePage);
        try
        {
            if (OperatingSystem.IsLinux()) _ = Advise(buffer, (nuint)bytes, advice);
            new Span<byte>(buffer, bytes).Fill(1);
            var best = 0.0;
            foreach (var prefetch in (ReadOnlySpan<bool>)[false, true])
            {
                for (var round = 0; round < rounds; round++)
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

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Advise(void* address, nuint length, int advice);

    private struct ReadJob : IBlockJob
    {
        public byte* Buffer;
        public bool Prefetch;
        public float Sum;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int block)
        {
            var start = Buffer + ((nint)block * BlockBytes);
            Vector256<float> a = default, b = default, c = default, d = default;
            for (var p = start; p < start + BlockBytes; p += 128)
            {
                if (Prefetch && Sse.IsSupported)
                {
                    Sse.Prefetch0(p + 2048);
                    Sse.Prefetch0(p + 2048 + 64);
                }

                a += Vector256.Load((float*)p);
                b += Vector256.Load((float*)(p + 32));
                c += Vector256.Load((float*)(p + 64));
                d += Vector256.Load((float*)(p + 96));
            }

            Sum += (a + b + c + d)[0];
        }
    }
}
