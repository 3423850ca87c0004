using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FalconMamba.Kernels.Assembled;
using FalconMamba.Kernels.Lanes;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>
/// Matrix × vectors over block weights and activations of eight bits, on the file's own layout. Each output is one chain:
/// exact integers inside a block, one fused multiply-add a block with the activations' scale, blocks ascending. So a result
/// depends neither on the path nor on the token's company.
/// </summary>
/// <remarks>
/// Weights are one stream a thread, whose pace the processor's own prefetch finds: the blocks of eight rows are multiplied one
/// behind the other, eight at a time so that their integers are added up side by side, and then the rows' chains go side by
/// side, since a link of one takes longer than a block.
/// </remarks>
internal unsafe struct BlockProduct<TBytes, TPair, TFormat> : IBlockJob
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TPair : unmanaged, IBytePair<TPair, TBytes>
    where TFormat : unmanaged, IBlockFormat<TFormat>
{
    // The rows whose chains go side by side, and the blocks whose integers do; how far ahead the stream is asked for.
    private const int RowsAtOnce = BlockKernel.Rows, Batch = 8, PrefetchBytes = 6144, LineBytes = 64;

    // What lies on the stack at most: a number for each row, and a value for each block of eight.
    private const int MostRows = 1024, MostBlocks = BlockKernel.MostBlocks;

    private MatrixProductArguments _arguments;
    private QuantizedRows _activations;
    private Ranges _ranges;
    private int _blocks, _arrangedBytes;
    private byte* _arranged;
    private delegate* unmanaged[Cdecl]<void*, void> _assembled;

    /// <summary>Runs the product; the input of <paramref name="arguments"/> is not read.</summary>
    /// <param name="arguments">The weights, and where the result goes.</param>
    /// <param name="activations">X.</param>
    /// <param name="scratch">Room for X as assembled kernels read it; null to do without them.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    public static void Run(in MatrixProductArguments arguments, in QuantizedRows activations, QuantizedActivations? scratch, ComputePool pool, int threads)
    {
        var blocks = arguments.Columns / TFormat.Length;
        var job = new BlockProduct<TBytes, TPair, TFormat>
        {
            _arguments = arguments,
            _activations = activations,
            _blocks = blocks,
            _ranges = new Ranges(arguments.Rows, (long)blocks * sizeof(TFormat), threads),
        };
        if (scratch is null || arguments.Tokens > 1 || blocks is 0 or > MostBlocks)
        {
            pool.Run(ref job, job._ranges.Count, threads);
            return;
        }

        var choice = PrefetchChoice.Of(TFormat.Type);
        // More tokens find the weights near.
        var bytes = arguments.Tokens == 1 ? (long)arguments.Rows * blocks * sizeof(TFormat) : 0;
        var far = choice.Next(bytes);
        job.Arrange(scratch, far);
        var start = Stopwatch.GetTimestamp();
        pool.Run(ref job, job._ranges.Count, threads);
        choice.Add(bytes, far, Stopwatch.GetTimestamp() - start);
    }

    public readonly void Run(int block)
    {
        var (first, end) = _ranges[block];
        if (_arguments.Tokens == 1)
        {
            MultiplyRows(first, end, 0);
            return;
        }

        // Eight rows stay near while the tokens pass.
        for (var row = first; row < end; row += RowsAtOnce)
            for (var token = 0; token < _arguments.Tokens; token++) MultiplyRows(row, Math.Min(end, row + RowsAtOnce), token);
    }

    private void Arrange(QuantizedActivations scratch, bool far)
    {
        _assembled = BlockKernel.Find(TFormat.Type, far);
        if (_assembled is null) return;
        _arrangedBytes = ArrangedActivations.Batches(_blocks) * ArrangedActivations.BatchBytes(TFormat.Length);
        _arranged = scratch.Arranged(_arguments.Tokens, _arrangedBytes);
        for (var token = 0; token < _arguments.Tokens; token++)
            ArrangedActivations.Arrange(TFormat.Type, _activations.From(token), _arranged + ((nint)token * _arrangedBytes));
    }

    /// <summary>Some rows and one token.</summary>
    private readonly void MultiplyRows(int row, int end, int token)
    {
        if (_assembled is not null)
            while (end - row >= RowsAtOnce) row = MultiplyAssembled(row, Math.Min(end, row + MostRows), token);
        if (_blocks > MostBlocks)
            for (; row < end; row++) MultiplyLong(row, token);
        for (; row < end; row += RowsAtOnce) MultiplyEight(row, Math.Min(RowsAtOnce, end - row), token);
    }

    /// <summary>As many times eight rows as there are; returns the row behind them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    private readonly int MultiplyAssembled(int row, int end, int token)
    {
        var groups = (end - row) / RowsAtOnce;
        var room = stackalloc float[BlockKernel.Rows + MostRows];
        var sums = room + BlockKernel.Rows;
        var values = stackalloc float[2 * RowsAtOnce * _blocks];
        var arguments = new BlockKernelArguments
        {
            Weights = _arguments.Weights + ((nint)row * _blocks * sizeof(TFormat)),
            Activations = _arranged + ((nint)token * _arrangedBytes),
            Scales = _activations.From(token).Scales,
            Output = sums,
            Values = values,
            Groups = groups,
            Blocks = _blocks,
            ActivationBatches = ArrangedActivations.Batches(_blocks),
        };
        _assembled(&arguments);
        var rows = groups * RowsAtOnce;
        _arguments.Put(row, rows, token, sums);
        return row + rows;
    }

    /// <summary>Up to eight rows.</summary>
    [SkipLocalsInit]
    private readonly void MultiplyEight(int row, int rows, int token)
    {
        var values = stackalloc float[(rows * _blocks) + Batch];
        var x = _activations.From(token);
        Multiply((TFormat*)_arguments.Weights + ((nint)row * _blocks), 0, rows * _blocks, in x, values);
        for (var i = 0; i < rows; i += 4) Chain(row + i, Math.Min(4, rows - i), token, values + (i * _blocks), x.Scales);
    }

    /// <summary>A row whose values do not all fit the stack.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    private readonly void MultiplyLong(int row, int token)
    {
        var values = stackalloc float[MostBlocks + Batch];
        var x = _activations.From(token);
        var sum = 0f;
        for (var first = 0; first < _blocks; first += MostBlocks)
        {
            var count = Math.Min(MostBlocks, _blocks - first);
            Multiply((TFormat*)_arguments.Weights + ((nint)row * _blocks) + first, first, count, in x, values);
            for (var i = 0; i < count; i++) sum = MathF.FusedMultiplyAdd(x.Scales[first + i], values[i], sum);
        }

        _arguments.Put(row, token, sum);
    }

    /// <summary>The values of consecutive blocks, of which the first is multiplied with some block of the activations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    [SkipLocalsInit]
    private readonly void Multiply(TFormat* w, int next, int all, in QuantizedRows x, float* values)
    {
        var products = stackalloc int[Batch * 8];
        var minimums = stackalloc int[Batch * 8];
        var bits = stackalloc uint[Batch];
        new Span<int>(products, Batch * 8).Clear();
        new Span<int>(minimums, Batch * 8).Clear();
        new Span<uint>(bits, Batch).Clear();
        var blocks = _blocks;
        byte* codes = x.Codes, factors = x.Factors;
        var activationSums = x.Sums;
        for (var first = 0; first < all; first += Batch)
        {
            var count = Math.Min(Batch, all - first);
            for (var i = 0; i < count; i++, w++)
            {
                Prefetch((byte*)w + PrefetchBytes);
                ref readonly var sums = ref activationSums[next * (TFormat.Length / 16)];
                var integers = TFormat.Products<TBytes, TPair>(
                    in *w, in codes[next * TFormat.Length], in factors[next * (TFormat.Length / ActivationQuantizer.Group)], in sums);
                TBytes.Store(integers, products + (8 * i));
                if (TFormat.HasMinimum) TBytes.Store(TFormat.Minimums<TBytes>(in *w, in sums), minimums + (8 * i));
                bits[i] = TFormat.ScaleBits(in *w);
                if (++next == blocks) next = 0;
            }

            // Where there are fewer than eight, what is left of the batch before stands in for them, and is not chained.
            Scale(Vector256.Load(bits), products, minimums).Store(values + first);
        }
    }

    /// <summary>The chains of up to four rows, over the values of their blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private readonly void Chain(int row, int rows, int token, float* values, float* scales)
    {
        float* second = values + (rows > 1 ? _blocks : 0), third = second + (rows > 2 ? _blocks : 0), fourth = third + (rows > 3 ? _blocks : 0);
        float a = 0f, b = 0f, c = 0f, d = 0f;
        for (nint i = 0; i < _blocks; i++)
        {
            a = MathF.FusedMultiplyAdd(scales[i], values[i], a);
            b = MathF.FusedMultiplyAdd(scales[i], second[i], b);
            c = MathF.FusedMultiplyAdd(scales[i], third[i], c);
            d = MathF.FusedMultiplyAdd(scales[i], fourth[i], d);
        }

        _arguments.Put(row, token, a);
        if (rows > 1) _arguments.Put(row + 1, token, b);
        if (rows > 2) _arguments.Put(row + 2, token, c);
        if (rows > 3) _arguments.Put(row + 3, token, d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* place)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch0(place);
        if (sizeof(TFormat) > LineBytes) Sse.Prefetch0(place + LineBytes);
        if (sizeof(TFormat) > 2 * LineBytes) Sse.Prefetch0(place + (2 * LineBytes));
        if (sizeof(TFormat) > 3 * LineBytes) Sse.Prefetch0(place + (3 * LineBytes));
    }

    /// <summary>The integers of eight blocks times their scales.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Scale(Vector256<uint> bits, int* products, int* minimums)
    {
        var scales = HalfScale.ToSingle(bits);
        var totals = Vector256.ConvertToSingle(TBytes.Totals(products));
        if (!TFormat.HasMinimum) return scales * totals;
        var least = HalfScale.ToSingle(bits >>> 16) * Vector256.ConvertToSingle(TBytes.Totals(minimums));
        return Vector256.FusedMultiplyAdd(scales, totals, -least);
    }
}
