using System.Runtime.CompilerServices;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Kernels;

/// <summary>
/// Root-mean-square normalisation of rows: y = x / √(mean(x²) + ε) · w. Each row is summed by one thread, in four
/// chains of sixteen lanes, which hide the time that a link takes, and one tree.
/// </summary>
internal unsafe struct RmsNorm<T> : IBlockJob where T : unmanaged, ILanes<T>
{
    private const int RowsPerBlock = 4;

    /// <summary>x [rows, width], rows <c>inputStride</c> apart.</summary>
    private float* _input;

    /// <summary>y [rows, width], rows <c>outputStride</c> apart; zeros up to a multiple of sixteen.</summary>
    private float* _output;

    /// <summary>w [width] up to a multiple of sixteen, or null for a norm without weights.</summary>
    private float* _weight;

    private int _rows, _width, _inputStride, _outputStride;
    private float _epsilon;

    /// <summary>Normalises all rows. The inputs' lanes beyond the width are not read.</summary>
    public static void Run(
        Rows input, Rows output, NativeBuffer? weight, int rows, int width, float epsilon, ComputePool pool, int threads)
    {
        var padded = (width + 15) & ~15;
        var job = new RmsNorm<T>
        {
            _input = input.Pointer(rows, width),
            _inputStride = input.Stride,
            _output = output.Pointer(rows, padded),
            _outputStride = output.Stride,
            _weight = weight is null ? null : new Rows(weight, padded).Pointer(1, padded),
            _rows = rows,
            _width = width,
            _epsilon = epsilon,
        };
        pool.Run(ref job, (rows + RowsPerBlock - 1) / RowsPerBlock, ComputePool.ThreadsFor((long)rows * width, threads));
    }

    public readonly void Run(int block)
    {
        var end = Math.Min(_rows, (block + 1) * RowsPerBlock);
        for (var row = block * RowsPerBlock; row < end; row++)
        {
            var x = _input + ((nint)row * _inputStride);
            Apply(x, _output + ((nint)row * _outputStride), _weight, _width, Factor(x, _width, _epsilon));
        }
    }

    /// <summary>What a row is multiplied with: 1 / √(mean(x²) + ε).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Factor(float* input, int width, float epsilon)
    {
        var whole = width & ~15;
        var tail = whole < width ? LoadTail(input + whole, width - whole) : default;
        T sum0 = tail * tail, sum1 = default, sum2 = default, sum3 = default;
        var next = 0;
        for (; next + 64 <= whole; next += 64)
        {
            sum0 = AddSquare(sum0, input + next);
            sum1 = AddSquare(sum1, input + next + 16);
            sum2 = AddSquare(sum2, input + next + 32);
            sum3 = AddSquare(sum3, input + next + 48);
        }

        for (; next < whole; next += 16) sum0 = AddSquare(sum0, input + next);
        return 1f / MathF.Sqrt(T.Sum((sum0 + sum1) + (sum2 + sum3)) / width + epsilon);
    }

    /// <summary>Multiplies a part of a row with its factor and the weights of its columns, if there are any.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply(float* input, float* output, float* weight, int width, float factor)
    {
        var whole = width & ~15;
        var scale = T.Broadcast(factor);
        for (var i = 0; i < whole; i += 16) Store(T.Load(input + i), i);
        if (whole < width) Store(LoadTail(input + whole, width - whole), whole);

        void Store(T x, int at)
        {
            var y = x * scale;
            T.Store(weight is null ? y : y * T.Load(weight + at), output + at);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T AddSquare(T sum, float* source)
    {
        var x = T.Load(source);
        return T.FusedMultiplyAdd(x, x, sum);
    }

    private static T LoadTail(float* source, int count)
    {
        var lanes = stackalloc float[16];
        for (var i = 0; i < 16; i++) lanes[i] = i < count ? source[i] : 0f;
        return T.Load(lanes);
    }
}
