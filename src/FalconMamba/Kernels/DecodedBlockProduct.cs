using System.Runtime.CompilerServices;
using FalconMamba.Kernels.Lanes;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>
/// Matrix × vectors over block weights and float activations: the weights are decoded, a few hundred at a time, and then
/// multiplied as <see cref="MatrixProduct{T, TFormat}"/> multiplies float32, lanes, order and final tree alike.
/// </summary>
internal unsafe struct DecodedBlockProduct<T, TFormat> : IBlockJob
    where T : unmanaged, ILanes<T>
    where TFormat : unmanaged, IBlockFormat<TFormat>
{
    private const int RowsPerBlock = 16, PanelColumns = 256, TokensAtOnce = 32;

    private MatrixProductArguments _arguments;

    public static void Run(in MatrixProductArguments arguments, ComputePool pool, int threads)
    {
        var job = new DecodedBlockProduct<T, TFormat> { _arguments = arguments };
        pool.Run(ref job, (arguments.Rows + RowsPerBlock - 1) / RowsPerBlock, threads);
    }

    public readonly void Run(int block)
    {
        var end = Math.Min(_arguments.Rows, (block + 1) * RowsPerBlock);
        for (var row = block * RowsPerBlock; row < end; row++)
            for (var token = 0; token < _arguments.Tokens; token += TokensAtOnce)
                RunRow(row, token, Math.Min(TokensAtOnce, _arguments.Tokens - token));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    private readonly void RunRow(int row, int token, int tokens)
    {
        var sums = stackalloc T[TokensAtOnce];
        new Span<T>(sums, tokens).Clear();
        var panel = stackalloc float[PanelColumns];
        var weights = (TFormat*)_arguments.Weights + ((nint)row * (_arguments.Columns / TFormat.Length));
        for (nint column = 0; column < _arguments.Columns; column += PanelColumns)
        {
            var width = (int)Math.Min(PanelColumns, _arguments.Columns - column);
            for (var i = 0; i < width; i += TFormat.Length)
                TFormat.Dequantize(in weights[(column + i) / TFormat.Length], new Span<float>(panel + i, TFormat.Length));
            for (var t = 0; t < tokens; t++)
            {
                var x = _arguments.Input + ((nint)(token + t) * _arguments.InputStride) + column;
                var sum = sums[t];
                for (var k = 0; k < width; k += 16) sum = T.FusedMultiplyAdd(T.Load(panel + k), T.Load(x + k), sum);
                sums[t] = sum;
            }
        }

        for (var t = 0; t < tokens; t++) _arguments.Put(row, token + t, T.Sum(sums[t]));
    }
}
