using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FalconMamba.Kernels.Lanes;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>
/// Matrix × vectors over block weights and activations of eight bits, on the file's own layout. Each output is one chain:
/// exact integers inside a block, one fused multiply-add a block with the activations' scale, blocks ascending. So a result
/// depends neither on the path nor on the token's company.
/// </summary>
/// <remarks>
/// The blocks of consecutive rows lie one behind the other, so a kernel takes them eight at a time, wherever rows end: the
/// integers of a block are added up beside those of seven others.
/// </remarks>
internal unsafe struct BlockProduct<TBytes, TPair, TFormat> : IBlockJob
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TPair : unmanaged, IBytePair<TPair, TBytes>
    where TFormat : unmanaged, IBlockFormat<TFormat>
{
    // As in MatrixProduct: weights a worker claims at once, and weights that stay in L1 while the tokens pass.
    private const int BlockBytes = 128 * 1024, RowsOfTokensBytes = 16 * 1024;

    // How far ahead the stream of weights is asked for.
    private const int PrefetchBytes = 4096, LineBytes = 64;

    // The blocks that are added up side by side.
    private const int Batch = 8;

    private MatrixProductArguments _arguments;
    private QuantizedRows _activations;
    private int _blocks, _rowsPerBlock;

    /// <summary>Runs the product; the input of <paramref name="arguments"/> is not read.</summary>
    public static void Run(in MatrixProductArguments arguments, in QuantizedRows activations, ComputePool pool, int threads)
    {
        var blocks = arguments.Columns / TFormat.Length;
        var job = new BlockProduct<TBytes, TPair, TFormat>
        {
            _arguments = arguments,
            _activations = activations,
            _blocks = blocks,
            _rowsPerBlock = Math.Clamp(BlockBytes / Math.Max(1, blocks * sizeof(TFormat)), 16, 1024) & ~15,
        };
        pool.Run(ref job, (arguments.Rows + job._rowsPerBlock - 1) / job._rowsPerBlock, threads);
    }

    public readonly void Run(int block)
    {
        var first = block * _rowsPerBlock;
        var end = Math.Min(_arguments.Rows, first + _rowsPerBlock);
        if (_arguments.Tokens == 1)
        {
            MultiplyRows(first, end, 0);
            return;
        }

        var rowsAtOnce = Math.Max(1, RowsOfTokensBytes / Math.Max(1, _blocks * sizeof(TFormat)));
        for (var row = first; row < end; row += rowsAtOnce)
            for (var token = 0; token < _arguments.Tokens; token++) MultiplyRows(row, Math.Min(end, row + rowsAtOnce), token);
    }

    /// <summary>Some rows and one token.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    [SkipLocalsInit]
    private readonly void MultiplyRows(int row, int end, int token)
    {
        var products = stackalloc int[Batch * 8];
        var minimums = stackalloc int[Batch * 8];
        var values = stackalloc float[Batch];
        var last = stackalloc TFormat[Batch];
        var x = _activations.From(token);
        var blocks = _blocks;
        var weights = (TFormat*)_arguments.Weights + ((nint)row * blocks);

        // The block of the activations that the next block is multiplied with, and the one that the chain has come to.
        int next = 0, chained = 0;
        var sum = 0f;
        for (var remaining = (nint)(end - row) * blocks; remaining > 0; remaining -= Batch, weights += Batch)
        {
            var source = weights;
            var count = Batch;
            if (remaining < Batch)
            {
                // Nothing is read beyond the last block; what is computed for those that are missing is not chained.
                count = (int)remaining;
                new Span<TFormat>(last, Batch).Clear();
                new ReadOnlySpan<TFormat>(weights, count).CopyTo(new Span<TFormat>(last, Batch));
                source = last;
            }

            for (var done = 0; done < count;)
            {
                var run = Math.Min(count - done, blocks - next);
                Multiply(source + done, run, in x, next, products + (8 * done), minimums + (8 * done));
                done += run;
                next += run;
                if (next == blocks) next = 0;
            }

            Scale(source, products, minimums).Store(values);
            for (var done = 0; done < count;)
            {
                var run = Math.Min(count - done, blocks - chained);
                sum = Chain(x.Scales + chained, values + done, run, sum);
                done += run;
                chained += run;
                if (chained != blocks) continue;
                Put(row++, token, sum);
                (chained, sum) = (0, 0f);
            }
        }
    }

    /// <summary>Goes on with the chain of a row. A call of its own keeps the sum in a register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Chain(float* scales, float* values, int count, float sum)
    {
        for (; count >= 4; count -= 4, scales += 4, values += 4)
        {
            sum = MathF.FusedMultiplyAdd(scales[0], values[0], sum);
            sum = MathF.FusedMultiplyAdd(scales[1], values[1], sum);
            sum = MathF.FusedMultiplyAdd(scales[2], values[2], sum);
            sum = MathF.FusedMultiplyAdd(scales[3], values[3], sum);
        }

        for (var i = 0; i < count; i++) sum = MathF.FusedMultiplyAdd(scales[i], values[i], sum);
        return sum;
    }

    /// <summary>The integers of consecutive blocks of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(TFormat* block, int count, in QuantizedRows x, nint place, int* products, int* minimums)
    {
        var codes = x.Codes + (place * TFormat.Length);
        var factors = x.Factors + (place * (TFormat.Length / ActivationQuantizer.Group));
        var sums = x.Sums + (place * (TFormat.Length / 16));
        for (; count > 0; count--)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch0((byte*)block + PrefetchBytes);
                if (sizeof(TFormat) > LineBytes) Sse.Prefetch0((byte*)block + PrefetchBytes + LineBytes);
                if (sizeof(TFormat) > 2 * LineBytes) Sse.Prefetch0((byte*)block + PrefetchBytes + (2 * LineBytes));
                if (sizeof(TFormat) > 3 * LineBytes) Sse.Prefetch0((byte*)block + PrefetchBytes + (3 * LineBytes));
            }

            TBytes.Store(TFormat.Products<TBytes, TPair>(in *block, in *codes, in *factors, in *sums), products);
            if (TFormat.HasMinimum) TBytes.Store(TFormat.Minimums<TBytes>(in *block, in *sums), minimums);
            block++;
            codes += TFormat.Length;
            factors += TFormat.Length / ActivationQuantizer.Group;
            sums += TFormat.Length / 16;
            products += 8;
            minimums += 8;
        }
    }

    /// <summary>Eight blocks times activations, without the activations' scales.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Scale(TFormat* blocks, int* products, int* minimums)
    {
        var totals = Vector256.ConvertToSingle(TBytes.Totals(products));
        var bits = Vector256.Create(
            TFormat.ScaleBits(in blocks[0]), TFormat.ScaleBits(in blocks[1]), TFormat.ScaleBits(in blocks[2]), TFormat.ScaleBits(in blocks[3]),
            TFormat.ScaleBits(in blocks[4]), TFormat.ScaleBits(in blocks[5]), TFormat.ScaleBits(in blocks[6]), TFormat.ScaleBits(in blocks[7]));
        var scales = HalfScale.ToSingle(bits);
        if (!TFormat.HasMinimum) return scales * totals;
        var least = HalfScale.ToSingle(bits >>> 16) * Vector256.ConvertToSingle(TBytes.Totals(minimums));
        return Vector256.FusedMultiplyAdd(scales, totals, -least);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Put(int row, int token, float sum)
    {
        if (_arguments.Bias is not null) sum += _arguments.Bias[row];
        var y = _arguments.Output + ((nint)token * _arguments.OutputStride) + row;
        *y = _arguments.Accumulate ? *y + sum : sum;
    }
}
