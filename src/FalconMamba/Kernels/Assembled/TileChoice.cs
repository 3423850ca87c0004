using System.Diagnostics;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Whether tiles of bfloat16 pairs are worth their rounding here: that a processor has the instruction does not say so, since
/// on some it takes longer than the float32 products it replaces. Measured once a process, in well under a millisecond.
/// </summary>
internal static class TileChoice
{
    private const int Rows = 8, Tokens = 3, Steps = 32, Tiles = 24, Rounds = 12;

    private static readonly Lazy<bool> Measured = new(Measure);

    /// <summary>Whether pairs save at least a fifth of the time.</summary>
    public static bool PrefersPairs => Measured.Value;

    private static unsafe bool Measure()
    {
        var floats = FloatTileKernel.Find(TileNumbers.Float32, Rows, Tokens);
        var pairs = FloatTileKernel.Find(TileNumbers.BFloat16Pairs, Rows, Tokens);
        if (floats is null || pairs is null) return false;
        using var memory = new NativeBuffer(((Rows + Tokens) * Steps * PackedLines.LineBytes / sizeof(float)) + (Rows * Tokens));
        long ofFloats = long.MaxValue, ofPairs = long.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            ofFloats = Math.Min(ofFloats, Time(floats, memory, Steps));
            // A line holds twice as many.
            ofPairs = Math.Min(ofPairs, Time(pairs, memory, Steps / 2));
        }

        return ofPairs < ofFloats * 0.8;
    }

    private static unsafe long Time(delegate* unmanaged[Cdecl]<void*, void> tile, NativeBuffer memory, int steps)
    {
        var weights = (byte*)memory.Pointer;
        var input = weights + (Rows * Steps * PackedLines.LineBytes);
        var arguments = new FloatTileArguments
        {
            Weights = weights,
            WeightStride = PackedLines.LineBytes,
            WeightStep = Rows * PackedLines.LineBytes,
            Input = input,
            InputStride = PackedLines.LineBytes,
            InputStep = Tokens * PackedLines.LineBytes,
            Steps = steps,
            Tiles = Tiles,
            Output = (float*)(input + (Tokens * Steps * PackedLines.LineBytes)),
            OutputStride = Rows * sizeof(float),
            Ahead = weights,
        };
        var start = Stopwatch.GetTimestamp();
        tile(&arguments);
        return Stopwatch.GetTimestamp() - start;
    }
}
