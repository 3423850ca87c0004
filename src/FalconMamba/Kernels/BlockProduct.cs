using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using FalconMamba.Kernels.Lanes;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>
/// Matrix × vectors over block weights and activations of eight bits, on the file's own layout. Each output is one chain:
/// exact integers inside a block, one fused multiply-add a block with the activations' scale, blocks ascending. So a result
/// depends neither on the path nor on the token's company.
/// </summary>
internal unsafe struct BlockProduct<TBytes, TFormat> : IBlockJob
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TFormat : unmanaged, IBlockFormat<TFormat>
{
    // As in MatrixProduct: weights a worker claims at once, and codes of tokens that stay in L2 beside them.
    private const int BlockBytes = 128 * 1024, TokenBytes = 128 * 1024;

    // How far ahead a streamed row is asked for.
    private const int PrefetchBytes = 2048;

    private MatrixProductArguments _arguments;
    private QuantizedRows _activations;
    private int _blocks, _rowsPerBlock;

    /// <summary>Runs the product; the input of <paramref name="arguments"/> is not read.</summary>
    public static void Run(in MatrixProductArguments arguments, in QuantizedRows activations, ComputePool pool, int threads)
    {
        var blocks = arguments.Columns / TFormat.Length;
        var job = new BlockProduct<TBytes, TFormat>
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
        var tokensAtOnce = Math.Clamp(TokenBytes / Math.Max(1, _arguments.Columns), 1, 64);
        for (var token = 0; token < _arguments.Tokens; token += tokensAtOnce)
        {
            var tokens = Math.Min(tokensAtOnce, _arguments.Tokens - token);
            for (var row = first; row < end; row++)
            {
                var weights = (TFormat*)_arguments.Weights + ((nint)row * _blocks);
                for (var t = token; t < token + tokens; t++) Put(row, t, Dot(weights, _activations.From(t)));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly float Dot(TFormat* weights, QuantizedRows x)
    {
        var sum = 0f;
        for (nint i = 0; i < _blocks; i++)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch0((byte*)(weights + i) + PrefetchBytes);
                if (sizeof(TFormat) > 64) Sse.Prefetch0((byte*)(weights + i) + PrefetchBytes + 64);
                if (sizeof(TFormat) > 128) Sse.Prefetch0((byte*)(weights + i) + PrefetchBytes + 128);
            }

            var products = TFormat.Dot<TBytes>(
                in weights[i], in x.Codes[i * TFormat.Length], in x.Factors[i * (TFormat.Length / ActivationQuantizer.Group)], in x.Sums[i * (TFormat.Length / 16)]);
            sum = MathF.FusedMultiplyAdd(x.Scales[i], products, sum);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Put(int row, int token, float sum)
    {
        if (_arguments.Bias is not null) sum += _arguments.Bias[row];
        var y = _arguments.Output + ((nint)token * _arguments.OutputStride) + row;
        *y = _arguments.Accumulate ? *y + sum : sum;
    }
}
