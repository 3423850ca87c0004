using System.Runtime.Intrinsics;
using FalconMamba.Formats;
using FalconMamba.Kernels.Assembled;
using FalconMamba.Kernels.Lanes;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>
/// The kernels of one path on one number of threads: the edge where sizes are checked and spans and buffers become
/// pointers. All paths give the same bits, but for those that round (<see cref="Rounding"/>).
/// </summary>
internal abstract class KernelSet
{
    private const string Variable = "FALCON_MAMBA_KERNELS";

    private protected KernelSet(string name, int threads, bool exact, bool deterministic, bool assembled)
    {
        Name = name;
        Threads = threads;
        Exact = exact;
        Assembled = assembled;
        Rounding = !assembled || exact ? ActivationRounding.Never
            : deterministic ? ActivationRounding.Pinned
            : name == "amx" ? ActivationRounding.ForAmx
            : ActivationRounding.WhereItPays;
    }

    /// <summary>The path's name: amx, emitted, 512, 256, 128 or generic.</summary>
    public string Name { get; }

    /// <summary>Why it is this path: what the processor has, or the variable's value.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>What the path holds and multiplies floats with.</summary>
    public abstract string Instructions { get; }

    /// <summary>Whether kernels are assembled at run time, for instructions that the runtime does not offer.</summary>
    public bool Assembled { get; }

    /// <summary>Whether the products of a block format with a token, or two, are assembled.</summary>
    public unsafe bool HasBlockKernel(TensorType type) => Assembled && BlockKernel.Find(type) is not null;

    /// <summary>How many threads work on a kernel.</summary>
    public int Threads { get; }

    /// <summary>Whether weights in block formats are multiplied with activations of 32 bits rather than of eight.</summary>
    public bool Exact { get; }

    /// <summary>Whether activations are rounded to bfloat16 where weights are bfloat16.</summary>
    public ActivationRounding Rounding { get; }

    /// <summary>Whether activations are rounded to eight bits in front of weights of a type.</summary>
    public bool RoundsToBytes(TensorType weights) => !Exact && BlockFormats.Find(weights) is not null;

    /// <summary>The paths that run on this machine, the fastest first; those wider than its registers are emulated.</summary>
    public static IReadOnlyList<string> Paths =>
        [.. AmxSupport.IsUsable ? ["amx"] : Array.Empty<string>(), .. KernelAssembler.IsSupported ? ["emitted"] : Array.Empty<string>(), "512", "256", "128", "generic"];

    /// <summary>The kernels of the widest path this machine has registers for, or of the one that <c>FALCON_MAMBA_KERNELS</c> names.</summary>
    /// <exception cref="ArgumentException">The variable names no path.</exception>
    public static KernelSet Create(int threads, bool exact = false, bool deterministic = false) => Create(Environment.GetEnvironmentVariable(Variable), threads, exact, deterministic);

    /// <summary>The kernels of a path; null or empty chooses by the machine.</summary>
    /// <exception cref="ArgumentException">There is no such path.</exception>
    public static KernelSet Create(string? path, int threads, bool exact = false, bool deterministic = false)
    {
        var (name, reason) = string.IsNullOrEmpty(path) ? Widest : (path, $"{Variable}={path}");
        var kernels = Make(name, threads, exact, deterministic);
        kernels.Reason = reason;
        return kernels;
    }

    /// <summary>Which kernel computes <see cref="MatrixProduct(Tensor, int, int, Rows, Rows, NativeBuffer, int, QuantizedActivations, bool)"/>.</summary>
    /// <param name="weights">The weights' type: F32, F16, BF16 or a block format.</param>
    /// <param name="rows">Their rows.</param>
    /// <param name="columns">Their columns.</param>
    /// <param name="tokens">How many rows of activations.</param>
    public abstract KernelChoice Choose(TensorType weights, int rows, int columns, int tokens);

    /// <summary>What such a product keeps for the next one, beside its operands.</summary>
    /// <param name="weights">The weights' type: F32, F16, BF16 or a block format.</param>
    /// <param name="rows">Their rows.</param>
    /// <param name="columns">Their columns.</param>
    /// <param name="tokens">How many rows of activations.</param>
    public abstract ProductScratch Scratch(TensorType weights, int rows, int columns, int tokens);

    /// <summary>Y = X·Wᵀ + bias, or Y += X·Wᵀ + bias.</summary>
    /// <param name="weights">W: a matrix of F32, F16, BF16 or a block format.</param>
    /// <param name="firstRow">The first of W's rows to take.</param>
    /// <param name="rowCount">How many of W's rows to take: the width of Y.</param>
    /// <param name="input">X [tokens, W's columns], zeros up to a multiple of sixteen columns.</param>
    /// <param name="output">Y [tokens, rowCount].</param>
    /// <param name="bias">[W's rows], or null.</param>
    /// <param name="tokens">How many rows of X and Y.</param>
    /// <param name="scratch">Room for X in eight bits.</param>
    /// <param name="accumulate">Adds to Y, as a residual.</param>
    public abstract void MatrixProduct(
        Tensor weights, int firstRow, int rowCount, Rows input, Rows output, NativeBuffer? bias, int tokens, QuantizedActivations scratch,
        bool accumulate = false);

    /// <summary>Y = rmsnorm(X)·Wᵀ + bias; the norm is fused with the rounding of activations where they are rounded.</summary>
    /// <param name="weights">W: a matrix of F32, F16, BF16 or a block format.</param>
    /// <param name="input">X [tokens, W's columns].</param>
    /// <param name="norm">The norm's weights [W's columns].</param>
    /// <param name="epsilon">The norm's ε.</param>
    /// <param name="normed">Room for rmsnorm(X) [tokens, W's columns], zeros up to a multiple of sixteen columns.</param>
    /// <param name="output">Y [tokens, W's rows].</param>
    /// <param name="bias">[W's rows], or null.</param>
    /// <param name="tokens">How many rows of X and Y.</param>
    /// <param name="scratch">Room for X in eight bits.</param>
    public abstract void NormedProduct(
        Tensor weights, Rows input, NativeBuffer norm, float epsilon, Rows normed, Rows output, NativeBuffer? bias, int tokens, QuantizedActivations scratch);

    /// <summary>Y = X·Wᵀ for all of W's rows, into memory of the caller: [tokens, W's rows].</summary>
    public abstract void MatrixProduct(Tensor weights, Rows input, Span<float> output, int tokens, QuantizedActivations scratch);

    /// <summary>C = op(A)·op(B), or C += op(A)·op(B), in float32.</summary>
    /// <inheritdoc cref="FloatProduct.Run"/>
    public abstract void FloatProduct(FloatMatrix a, bool transposeA, FloatMatrix b, bool transposeB, FloatMatrix c, bool accumulate = false);

    /// <inheritdoc cref="RmsNorm{T}"/>
    public abstract void RmsNorm(Rows input, Rows output, NativeBuffer? weight, int rows, int width, float epsilon);

    /// <inheritdoc cref="CausalConvolution{T}"/>
    public abstract void CausalConvolution(
        Segment[] segments, int segmentCount, int layer, Rows input, Rows output, ConvolutionWeights weights, int rows, int width);

    /// <inheritdoc cref="SelectiveScan{T}"/>
    public abstract void SelectiveScan(
        Segment[] segments, int segmentCount, int layer, in ScanActivations rows, ScanWeights weights, int count, int width);

    private static (string Path, string Reason) Widest =>
        KernelAssembler.IsSupported ? ("emitted", "the processor has AVX-512 and VNNI")
        : Vector512.IsHardwareAccelerated ? ("512", "the processor has AVX-512 without VNNI")
        : Vector256.IsHardwareAccelerated ? ("256", "the processor has AVX2 without AVX-512")
        : Vector128.IsHardwareAccelerated ? ("128", "the processor has vectors of 128 bits only")
        : ("generic", "the processor has no vectors, or the runtime may not use them");

    private static KernelSet Make(string path, int threads, bool exact, bool deterministic) => path switch
    {
        "amx" when AmxSupport.IsUsable => new KernelSet<Lanes512, ByteLanes256, BytePair512, RowLanes512>("amx", threads, exact, deterministic, assembled: true),
        "emitted" when KernelAssembler.IsSupported => new KernelSet<Lanes512, ByteLanes256, BytePair512, RowLanes512>("emitted", threads, exact, deterministic, assembled: true),
        "512" when BytePair512.IsSupported => new KernelSet<Lanes512, ByteLanes256, BytePair512, RowLanes512>("512", threads, exact, deterministic),
        "512" => new KernelSet<Lanes512, ByteLanes256, BytePair<ByteLanes256>, RowLanes512>("512", threads, exact, deterministic),
        "256" => new KernelSet<Lanes256, ByteLanes256, BytePair<ByteLanes256>, RowLanes256>("256", threads, exact, deterministic),
        "128" => new KernelSet<Lanes128, ByteLanes128, BytePair<ByteLanes128>, RowLanes128>("128", threads, exact, deterministic),
        "generic" => new KernelSet<LanesGeneric, ByteLanesGeneric, BytePair<ByteLanesGeneric>, RowLanesGeneric>("generic", threads, exact, deterministic),
        "amx" => throw new ArgumentException($"{Variable} is \"amx\", but {AmxSupport.Obstacle}: use {string.Join(", ", Paths.SkipLast(1))} or {Paths[^1]}.", nameof(path)),
        "emitted" => throw new ArgumentException($"{Variable} is \"emitted\", for which this processor lacks AVX-512 or VNNI: use 512, 256, 128 or generic.", nameof(path)),
        _ => throw new ArgumentException($"{Variable} is \"{path}\": use amx (where AMX is), emitted (where AVX-512 and VNNI are), 512, 256, 128 or generic.", nameof(path)),
    };
}

/// <inheritdoc/>
internal sealed class KernelSet<T, TBytes, TPair, TRows> : KernelSet
    where T : unmanaged, ILanes<T>
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TPair : unmanaged, IBytePair<TPair, TBytes>
    where TRows : unmanaged, IRowLanes<TRows, T>
{
    private static readonly ComputePool Pool = ComputePool.Shared;

    public KernelSet(string name, int threads, bool exact, bool deterministic, bool assembled = false) : base(name, threads, exact, deterministic, assembled)
    {
    }

    public override string Instructions => KernelChoice.Floats<T>();

    public override unsafe void MatrixProduct(
        Tensor weights, int firstRow, int rowCount, Rows input, Rows output, NativeBuffer? bias, int tokens, QuantizedActivations scratch,
        bool accumulate)
    {
        Multiply(weights.Type, scratch, Arguments(weights, firstRow, rowCount, input, output, bias, tokens, accumulate));
    }

    public override unsafe void NormedProduct(
        Tensor weights, Rows input, NativeBuffer norm, float epsilon, Rows normed, Rows output, NativeBuffer? bias, int tokens, QuantizedActivations scratch)
    {
        var (rows, columns) = Dimensions(weights);
        if (!RoundsToBytes(weights.Type))
        {
            RmsNorm(input, normed, norm, tokens, columns, epsilon);
            MatrixProduct(weights, 0, rows, normed, output, bias, tokens, scratch, accumulate: false);
            return;
        }

        var arguments = Arguments(weights, 0, rows, input, output, bias, tokens, accumulate: false);
        var product = new BlockFormatProduct(in arguments, scratch, this, new InputNorm(new Rows(norm, columns).Pointer(1, columns), epsilon));
        BlockFormats.Find(weights.Type)!.Accept(ref product);
    }

    public override unsafe void MatrixProduct(Tensor weights, Rows input, Span<float> output, int tokens, QuantizedActivations scratch)
    {
        var (rows, columns) = Dimensions(weights);
        ArgumentOutOfRangeException.ThrowIfLessThan(output.Length, (long)rows * tokens, nameof(output));
        fixed (float* y = output)
        {
            Multiply(weights.Type, scratch, new MatrixProductArguments
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

    public override void FloatProduct(FloatMatrix a, bool transposeA, FloatMatrix b, bool transposeB, FloatMatrix c, bool accumulate) =>
        Kernels.FloatProduct.Run<T>(a, transposeA, b, transposeB, c, Pool, Threads, Assembled, accumulate);

    public override void RmsNorm(Rows input, Rows output, NativeBuffer? weight, int rows, int width, float epsilon) =>
        RmsNorm<T>.Run(input, output, weight, rows, width, epsilon, Pool, Threads);

    public override void CausalConvolution(
        Segment[] segments, int segmentCount, int layer, Rows input, Rows output, ConvolutionWeights weights, int rows, int width) =>
        CausalConvolution<T>.Run(segments, segmentCount, layer, input, output, weights, rows, width, Pool, Threads);

    public override void SelectiveScan(
        Segment[] segments, int segmentCount, int layer, in ScanActivations rows, ScanWeights weights, int count, int width) =>
        SelectiveScan<T>.Run(segments, segmentCount, layer, in rows, weights, count, width, Pool, Threads, Assembled);

    // The same cases as in Multiply.
    public override KernelChoice Choose(TensorType weights, int rows, int columns, int tokens) => weights switch
    {
        TensorType.F32 => KernelChoice.OfFloats<T, F32Format>(this, rows, columns, tokens),
        TensorType.BF16 => KernelChoice.OfFloats<T, BF16Format>(this, rows, columns, tokens),
        TensorType.F16 => KernelChoice.OfFloats<T, F16Format>(this, rows, columns, tokens),
        _ => Exact ? KernelChoice.OfDecodedBlocks<T>() : KernelChoice.OfBlocks<T, TBytes, TPair, TRows>(this, weights, rows, columns, tokens),
    };

    // Only the assembled products of several tokens, or of rounded activations, do; the others have room on the stack.
    public override unsafe ProductScratch Scratch(TensorType weights, int rows, int columns, int tokens)
    {
        if (!Assembled || tokens < 1 || rows < 1 || columns < 1 || FloatTileKernel.Find(TileNumbers.Float32, 1, 1) is null) return default;
        var arguments = new MatrixProductArguments { Rows = rows, Columns = columns, Tokens = tokens };
        return weights switch
        {
            TensorType.F32 => MatrixProduct<T, F32Format>.Scratch(in arguments, Threads, ActivationRounding.Never),
            TensorType.BF16 => MatrixProduct<T, BF16Format>.Scratch(in arguments, Threads, Rounding),
            TensorType.F16 => MatrixProduct<T, F16Format>.Scratch(in arguments, Threads, ActivationRounding.Never),
            _ => default,
        };
    }

    private static (int Rows, int Columns) Dimensions(Tensor matrix) => matrix.Shape.Length == 2
        ? (checked((int)matrix.Shape[0]), checked((int)matrix.Shape[1]))
        : throw new ArgumentException($"{matrix} is not a matrix.", nameof(matrix));

    private static unsafe MatrixProductArguments Arguments(
        Tensor weights, int firstRow, int rowCount, Rows input, Rows output, NativeBuffer? bias, int tokens, bool accumulate)
    {
        var (rows, columns) = Dimensions(weights);
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rowCount, rows - firstRow);
        var info = weights.Type.Info();
        return new MatrixProductArguments
        {
            Weights = weights.Pointer + ((nint)firstRow * columns / info.BlockLength * info.BlockBytes),
            Bias = bias is null ? null : new Rows(bias, rows).Pointer(1, rows) + firstRow,
            Input = input.Pointer(tokens, (columns + 15) & ~15),
            Output = output.Pointer(tokens, rowCount),
            Rows = rowCount,
            Columns = columns,
            Tokens = tokens,
            InputStride = input.Stride,
            OutputStride = output.Stride,
            Accumulate = accumulate,
        };
    }

    private void Multiply(TensorType type, QuantizedActivations scratch, in MatrixProductArguments arguments)
    {
        switch (type)
        {
            case TensorType.F32: MatrixProduct<T, F32Format>.Run(in arguments, Pool, Threads, Assembled); break;
            case TensorType.BF16: MatrixProduct<T, BF16Format>.Run(in arguments, Pool, Threads, Assembled, Rounding); break;
            case TensorType.F16: MatrixProduct<T, F16Format>.Run(in arguments, Pool, Threads, Assembled); break;
            default:
                var format = BlockFormats.Find(type) ?? throw new NotSupportedException($"There is no matrix product for weights of type {type}.");
                var product = new BlockFormatProduct(in arguments, scratch, this, default);
                format.Accept(ref product);
                break;
        }
    }

    /// <summary>The product of a block format with activations of the width that was chosen.</summary>
    private readonly ref struct BlockFormatProduct : IBlockFormatVisitor
    {
        private readonly ref readonly MatrixProductArguments _arguments;
        private readonly QuantizedActivations _scratch;
        private readonly KernelSet _kernels;
        private readonly InputNorm _norm;

        public BlockFormatProduct(in MatrixProductArguments arguments, QuantizedActivations scratch, KernelSet kernels, InputNorm norm)
        {
            _norm = norm;
            _arguments = ref arguments;
            _scratch = scratch;
            _kernels = kernels;
        }

        public unsafe void Visit<TFormat>() where TFormat : unmanaged, IBlockFormat<TFormat>
        {
            if (_kernels.Exact)
            {
                DecodedBlockProduct<T, TFormat>.Run(in _arguments, Pool, _kernels.Threads);
                return;
            }

            var rows = _scratch.Rows(_arguments.Tokens, _arguments.Columns, TFormat.Length);
            if (_norm.Weight is null) ActivationQuantizer.Run(_arguments.Input, _arguments.InputStride, in rows, _arguments.Tokens, Pool, _kernels.Threads);
            else NormedRounding<T>.Run(_arguments.Input, _arguments.InputStride, in rows, _norm, _arguments.Tokens, Pool, _kernels.Threads);
            if (_kernels.Assembled && TryRunTogether<TFormat>(in rows)) return;
            if (!_kernels.HasBlockKernel(TFormat.Type) && TiledBlockProduct<T, TRows, TFormat>.TryRun(in _arguments, in rows, _scratch, Pool, _kernels.Threads)) return;
            BlockProduct<TBytes, TPair, TFormat>.Run(in _arguments, in rows, _kernels.Assembled ? _scratch : null, Pool, _kernels.Threads);
        }

        // Assembled kernels of several tokens take eight rows at a time; those that are left are multiplied one by one.
        private unsafe bool TryRunTogether<TFormat>(in QuantizedRows rows) where TFormat : unmanaged, IBlockFormat<TFormat>
        {
            if (!FewTokensKernel.Takes(_arguments.Rows, _arguments.Tokens)) return false;
            var together = _arguments with { Rows = _arguments.Rows / FewTokensKernel.Rows * FewTokensKernel.Rows };
            if (!FewTokensProduct<TFormat>.TryRun(in together, in rows, _scratch, Pool, _kernels.Threads)
                && !ManyTokensProduct<TFormat>.TryRun(in together, in rows, _scratch, Pool, _kernels.Threads)) return false;
            if (together.Rows == _arguments.Rows) return true;
            var rest = _arguments.From(together.Rows, _arguments.Columns / TFormat.Length * sizeof(TFormat));
            BlockProduct<TBytes, TPair, TFormat>.Run(in rest, in rows, null, Pool, _kernels.Threads);
            return true;
        }
    }
}
