using System.Runtime.Intrinsics;
using FalconMamba.Formats;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Kernels;

/// <summary>
/// The kernels of one path on one number of threads: the edge where sizes are checked and spans and buffers become
/// pointers. All paths give the same bits.
/// </summary>
internal abstract class KernelSet
{
    private const string Variable = "FALCON_MAMBA_KERNELS";

    private protected KernelSet(int threads) => Threads = threads;

    /// <summary>The path's name: 512, 256, 128 or generic.</summary>
    public abstract string Name { get; }

    /// <summary>How many threads work on a kernel.</summary>
    public int Threads { get; }

    /// <summary>The kernels of the widest path this machine has registers for, or of the one that <c>FALCON_MAMBA_KERNELS</c> names.</summary>
    /// <exception cref="ArgumentException">The variable names no path.</exception>
    public static KernelSet Create(int threads) => Create(Environment.GetEnvironmentVariable(Variable), threads);

    /// <summary>The kernels of a path; null or empty chooses by the machine.</summary>
    /// <exception cref="ArgumentException">There is no such path.</exception>
    public static KernelSet Create(string? path, int threads) => path switch
    {
        "512" => new KernelSet<Lanes512>(threads),
        "256" => new KernelSet<Lanes256>(threads),
        "128" => new KernelSet<Lanes128>(threads),
        "generic" => new KernelSet<LanesGeneric>(threads),
        null or "" when Vector512.IsHardwareAccelerated => new KernelSet<Lanes512>(threads),
        null or "" when Vector256.IsHardwareAccelerated => new KernelSet<Lanes256>(threads),
        null or "" when Vector128.IsHardwareAccelerated => new KernelSet<Lanes128>(threads),
        null or "" => new KernelSet<LanesGeneric>(threads),
        _ => throw new ArgumentException($"{Variable} is \"{path}\": use 512, 256, 128 or generic.", nameof(path)),
    };

    /// <summary>Y = X·Wᵀ + bias, or Y += X·Wᵀ + bias.</summary>
    /// <param name="weights">W: a matrix of F32, F16 or BF16.</param>
    /// <param name="firstRow">The first of W's rows to take.</param>
    /// <param name="rowCount">How many of W's rows to take: the width of Y.</param>
    /// <param name="input">X [tokens, W's columns], zeros up to a multiple of sixteen columns.</param>
    /// <param name="output">Y [tokens, rowCount].</param>
    /// <param name="bias">[W's rows], or null.</param>
    /// <param name="tokens">How many rows of X and Y.</param>
    /// <param name="accumulate">Adds to Y, as a residual.</param>
    public abstract void MatrixProduct(
        Tensor weights, int firstRow, int rowCount, Rows input, Rows output, NativeBuffer? bias, int tokens, bool accumulate = false);

    /// <summary>Y = X·Wᵀ for all of W's rows, into memory of the caller: [tokens, W's rows].</summary>
    public abstract void MatrixProduct(Tensor weights, Rows input, Span<float> output, int tokens);

    /// <inheritdoc cref="RmsNorm{T}"/>
    public abstract void RmsNorm(Rows input, Rows output, NativeBuffer? weight, int rows, int width, float epsilon);

    /// <inheritdoc cref="CausalConvolution{T}"/>
    public abstract void CausalConvolution(
        Segment[] segments, int segmentCount, int layer, Rows input, Rows output, ConvolutionWeights weights, int rows, int width);

    /// <inheritdoc cref="SelectiveScan{T}"/>
    public abstract void SelectiveScan(
        Segment[] segments, int segmentCount, int layer, in ScanActivations rows, ScanWeights weights, int count, int width);
}

/// <inheritdoc/>
internal sealed class KernelSet<T> : KernelSet where T : unmanaged, ILanes<T>
{
    private static readonly ComputePool Pool = ComputePool.Shared;

    public KernelSet(int threads) : base(threads)
    {
    }

    public override string Name => T.Name;

    public override unsafe void MatrixProduct(
        Tensor weights, int firstRow, int rowCount, Rows input, Rows output, NativeBuffer? bias, int tokens, bool accumulate)
    {
        var (rows, columns) = Dimensions(weights);
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rowCount, rows - firstRow);
        Multiply(weights.Type, new MatrixProductArguments
        {
            Weights = weights.Pointer + ((nint)firstRow * columns * weights.Type.Info().BlockBytes),
            Bias = bias is null ? null : new Rows(bias, rows).Pointer(1, rows) + firstRow,
            Input = input.Pointer(tokens, (columns + 15) & ~15),
            Output = output.Pointer(tokens, rowCount),
            Rows = rowCount,
            Columns = columns,
            Tokens = tokens,
            InputStride = input.Stride,
            OutputStride = output.Stride,
            Accumulate = accumulate,
        });
    }

    public override unsafe void MatrixProduct(Tensor weights, Rows input, Span<float> output, int tokens)
    {
        var (rows, columns) = Dimensions(weights);
        ArgumentOutOfRangeException.ThrowIfLessThan(output.Length, (long)rows * tokens, nameof(output));
        fixed (float* y = output)
        {
            Multiply(weights.Type, new MatrixProductArguments
            {
                Weights = weights.Pointer,
                Input = input.Pointer(tokens, (columns + 15) & ~15),
                Output = y,
                Rows = rows,
                Columns = columns,
                Tokens = tokens,
                InputStride = input.Stride,
                OutputStride = rows,
            });
        }
    }

    public override void RmsNorm(Rows input, Rows output, NativeBuffer? weight, int rows, int width, float epsilon) =>
        RmsNorm<T>.Run(input, output, weight, rows, width, epsilon, Pool, Threads);

    public override void CausalConvolution(
        Segment[] segments, int segmentCount, int layer, Rows input, Rows output, ConvolutionWeights weights, int rows, int width) =>
        CausalConvolution<T>.Run(segments, segmentCount, layer, input, output, weights, rows, width, Pool, Threads);

    public override void SelectiveScan(
        Segment[] segments, int segmentCount, int layer, in ScanActivations rows, ScanWeights weights, int count, int width) =>
        SelectiveScan<T>.Run(segments, segmentCount, layer, in rows, weights, count, width, Pool, Threads);

    private static (int Rows, int Columns) Dimensions(Tensor matrix) => matrix.Shape.Length == 2
        ? (checked((int)matrix.Shape[0]), checked((int)matrix.Shape[1]))
        : throw new ArgumentException($"{matrix} is not a matrix.", nameof(matrix));

    private void Multiply(TensorType type, in MatrixProductArguments arguments)
    {
        switch (type)
        {
            case TensorType.F32: MatrixProduct<T, F32Format>.Run(in arguments, Pool, Threads); break;
            case TensorType.BF16: MatrixProduct<T, BF16Format>.Run(in arguments, Pool, Threads); break;
            case TensorType.F16: MatrixProduct<T, F16Format>.Run(in arguments, Pool, Threads); break;
            default: throw new NotSupportedException($"There is no matrix product for weights of type {type}.");
        }
    }
}
