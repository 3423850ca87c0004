using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels;

/// <summary>
/// Transposes sixteen lines of sixteen numbers of 32 bits in place. To interleave the lines of the first half with those of the
/// second turns the eight bits of a number's place by one; four times, and row and column have changed places. AVX-512.
/// </summary>
internal static unsafe class TileTransposition
{
    private const int Side = 16;

    /// <summary>Transposes a tile.</summary>
    /// <param name="tile">Its first line; the others follow it.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    public static void Run(float* tile)
    {
        var low = Vector512.Create(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        var high = low + Vector512.Create(8);
        var between = stackalloc float[Side * Side];
        float* from = tile, to = between;
        for (var round = 0; round < 4; round++)
        {
            for (var line = 0; line < Side / 2; line++)
            {
                var upper = Vector512.Load(from + (line * Side));
                var lower = Vector512.Load(from + ((line + (Side / 2)) * Side));
                Avx512F.PermuteVar16x32x2(upper, low, lower).Store(to + (2 * line * Side));
                Avx512F.PermuteVar16x32x2(upper, high, lower).Store(to + (((2 * line) + 1) * Side));
            }

            var written = to;
            to = from;
            from = written;
        }
    }
}
