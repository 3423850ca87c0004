using System.Diagnostics;

namespace FalconMamba.Kernels.Assembled;

/// <summary>What multiplies pairs of bfloat16.</summary>
internal enum PairUnit
{
    /// <summary>Nothing: activations keep their 32 bits.</summary>
    None,

    /// <summary>The registers of AVX-512.</summary>
    Vectors,

    /// <summary>The tiles of AMX.</summary>
    Amx,
}

/// <summary>
/// Whether tiles of bfloat16 pairs are worth their rounding here: that a processor has the instruction does not say so, since
/// on some it takes longer than the float32 products it replaces; and on which unit. Measured once a process: vectors in well
/// under a millisecond, AMX when a product could use it.
/// </summary>
internal static class TileChoice
{
    private const int Rows = 8, Tokens = 3, Steps = 32, Tiles = 24, Rounds = 12;

    // As many products in a block of AMX as in all tiles of a kernel of vectors; a call has several blocks, since it is short.
    private const int AmxSteps = Rows * Tokens * Steps * Tiles * 16 / (AmxTileKernel.Rows * 2 * AmxTileKernel.Side * AmxTileKernel.Columns), AmxBlocks = 8;

    private static readonly Lazy<(double Floats, double Pairs)> Vectors = new(TimeVectors);

    // Apart, for it takes a trial of AMX in a process of its own.
    private static readonly Lazy<double> Amx = new(TimeAmx);

    /// <summary>Whether pairs on vectors save at least a fifth of the time of float32.</summary>
    public static bool PrefersPairs => Vectors.Value.Pairs < WorthRounding;

    /// <summary>Whether pairs on AMX save at least a fifth of the time of float32, and any of the time of vectors.</summary>
    public static bool PrefersAmx => Amx.Value < Math.Min(WorthRounding, Vectors.Value.Pairs);

    private static double WorthRounding => 0.8 * Vectors.Value.Floats;

    // Where there are no such kernels, pairs take for ever.
    private static unsafe (double Floats, double Pairs) TimeVectors()
    {
        var floats = FloatTileKernel.Find(TileNumbers.Float32, Rows, Tokens);
        var pairs = FloatTileKernel.Find(TileNumbers.BFloat16Pairs, Rows, Tokens);
        if (floats is null || pairs is null) return (0, double.PositiveInfinity);
        using var memory = new NativeBuffer(((Rows + Tokens) * Steps * PackedLines.LineBytes / sizeof(float)) + (Rows * Tokens));
        long ofFloats = long.MaxValue, ofPairs = long.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            ofFloats = Math.Min(ofFloats, Time(floats, memory, Steps));
            // A line holds twice as many.
            ofPairs = Math.Min(ofPairs, Time(pairs, memory, Steps / 2));
        }

        return (ofFloats, ofPairs);
    }

    private static unsafe double TimeAmx()
    {
        var kernel = AmxTileKernel.Find(2);
        if (kernel is null) return double.PositiveInfinity;
        const int blockFloats = AmxTileKernel.Rows * AmxSteps * PackedLines.LineBytes / sizeof(float), sumFloats = AmxTileKernel.Rows * 2 * AmxTileKernel.Side;
        using var memory = new NativeBuffer(blockFloats + (AmxBlocks * (blockFloats + sumFloats)));
        var input = memory.Pointer + blockFloats;
        var timing = new AmxTiming
        {
            Kernel = kernel,
            Arguments = new AmxTileArguments
            {
                Weights = (byte*)memory.Pointer,
                Input = (byte*)input,
                Sums = input + (AmxBlocks * blockFloats),
                Steps = AmxSteps,
                Blocks = AmxBlocks,
                Ahead = (byte*)memory.Pointer,
            },
        };
        ComputePool.Shared.RunOnWorkers(ref timing, 1, 1);
        return timing.Best / (double)AmxBlocks;
    }

    private unsafe struct AmxTiming : IBlockJob
    {
        public delegate* unmanaged[Cdecl]<void*, void> Kernel;
        public AmxTileArguments Arguments;
        public long Best;

        public void Run(int block)
        {
            Best = long.MaxValue;
            if (!SignalStack.Enlarge()) return;
            var arguments = Arguments;
            for (var round = 0; round < Rounds; round++)
            {
                var start = Stopwatch.GetTimestamp();
                Kernel(&arguments);
                Best = Math.Min(Best, Stopwatch.GetTimestamp() - start);
            }
        }
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
