using System.Runtime.CompilerServices;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Kernels;

/// <summary>The norm in front of a product: w [columns], and ε.</summary>
internal readonly unsafe struct InputNorm(float* weight, float epsilon)
{
    public float* Weight => weight;

    public float Epsilon => epsilon;
}

/// <summary>
/// <see cref="RmsNorm{T}"/> and <see cref="ActivationQuantizer"/> in one pass over rows: the normalised numbers stay in the
/// first-level cache. The same operations, hence the same bits.
/// </summary>
internal unsafe struct NormedRounding<T> : IBlockJob where T : unmanaged, ILanes<T>
{
    // The columns that are normalised before they are rounded: 16 KB.
    private const int ColumnsAtOnce = 16 * ActivationQuantizer.Stretch;

    private float* _input;
    private int _stride;
    private QuantizedRows _output;
    private InputNorm _norm;

    /// <summary>Normalises and rounds rows of the output's width.</summary>
    public static void Run(float* input, int stride, in QuantizedRows output, InputNorm norm, int tokens, ComputePool pool, int threads)
    {
        var job = new NormedRounding<T> { _input = input, _stride = stride, _output = output, _norm = norm };
        // A number takes as long as four multiplications of a product.
        pool.Run(ref job, tokens, ComputePool.ThreadsFor(4L * tokens * output.Columns, threads));
    }

    /// <summary>One row.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int block)
    {
        var part = stackalloc float[ColumnsAtOnce];
        var x = _input + ((nint)block * _stride);
        var row = _output.From(block);
        var factor = RmsNorm<T>.Factor(x, row.Columns, _norm.Epsilon);
        for (var first = 0; first < row.Columns; first += ColumnsAtOnce)
        {
            var count = Math.Min(ColumnsAtOnce, row.Columns - first);
            RmsNorm<T>.Apply(x + first, part, _norm.Weight + first, count, factor);
            ActivationQuantizer.Round(part - first, row, first, first + count);
        }
    }
}
