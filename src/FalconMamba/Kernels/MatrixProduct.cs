using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FalconMamba.Formats;
using FalconMamba.Kernels.Assembled;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Kernels;

/// <summary>The operands of Y = X·Wᵀ (+ bias) (+ Y).</summary>
internal unsafe struct MatrixProductArguments
{
    /// <summary>W [rows, columns], row-major, as stored.</summary>
    public byte* Weights;

    /// <summary>[rows], or null.</summary>
    public float* Bias;

    /// <summary>X [tokens, columns], rows <see cref="InputStride"/> apart; zeros up to a multiple of sixteen columns.</summary>
    public float* Input;

    /// <summary>Y [tokens, rows], rows <see cref="OutputStride"/> apart.</summary>
    public float* Output;

    public int Rows, Columns, Tokens, InputStride, OutputStride;

    /// <summary>Adds to Y instead of overwriting it: the residual.</summary>
    public bool Accumulate;

    /// <summary>Writes one number of Y, with its bias.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Put(int row, int token, float sum)
    {
        if (Bias is not null) sum += Bias[row];
        var y = Output + ((nint)token * OutputStride) + row;
        *y = Accumulate ? *y + sum : sum;
    }

    /// <summary>Writes some rows' numbers of a token, with their bias.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Put(int first, int rows, int token, float* sums)
    {
        var y = Output + ((nint)token * OutputStride) + first;
        var row = 0;
        for (; row + Vector256<float>.Count <= rows; row += Vector256<float>.Count)
        {
            var sum = Vector256.Load(sums + row);
            if (Bias is not null) sum += Vector256.Load(Bias + first + row);
            if (Accumulate) sum = Vector256.Load(y + row) + sum;
            sum.Store(y + row);
        }

        for (; row < rows; row++) Put(first + row, token, sums[row]);
    }

    /// <summary>The product of the rows from one on.</summary>
    /// <param name="row">The row.</param>
    /// <param name="rowBytes">The bytes of a row of W.</param>
    public readonly MatrixProductArguments From(int row, long rowBytes) => this with
    {
        Weights = Weights + (row * rowBytes),
        Bias = Bias is null ? null : Bias + row,
        Output = Output + row,
        Rows = Rows - row,
    };

    /// <summary>The weights that a thread packs after some rows, if all threads are equally fast: their place and their end.</summary>
    public readonly (nint Place, nint End) NextPanel(int first, int panelRows, int threads, nint rowBytes)
    {
        var next = Math.Min(Rows, first + (threads * panelRows));
        return (next * rowBytes, Math.Min(Rows, next + panelRows) * rowBytes);
    }
}

/// <summary>What multiplies float weights where code can be made.</summary>
internal enum FloatPath
{
    /// <summary><see cref="MatrixProduct{T, TFormat}"/> itself, for one token: <see cref="FloatKernel"/> where rows fill its lines.</summary>
    OneToken,

    /// <summary><see cref="StreamedProduct"/>.</summary>
    Streamed,

    /// <summary><see cref="PanelProduct"/>.</summary>
    Panel,

    /// <summary><see cref="AmxProduct"/>.</summary>
    Amx,
}

/// <summary>
/// Matrix × vectors over float weights. Each output is one chain of fused multiply-adds per lane, first the columns
/// beyond the last multiple of sixteen, then ascending in k, and one final tree, whatever the number of tokens or rows
/// that share a tile: so a token's result does not depend on its company.
/// </summary>
internal unsafe struct MatrixProduct<T, TFormat> : IBlockJob
    where T : unmanaged, ILanes<T>
    where TFormat : struct, IFloatFormat
{
    // The inputs of a few tokens, which stay in L2 beside a block of rows.
    private const int TokenBytes = 128 * 1024;

    // Decoding two rows pays from this many tokens on; wider rows would not fit the first-level cache.
    private const int DecodeFromTokens = 4, DecodeUpToColumns = 16 * 1024;

    // Numbers that an assembled kernel finds room for on the stack.
    private const int MostRows = 1024;

    // Measured: from so many tokens on inputs are rounded to bfloat16 (where that is not pinned), and weights packed for all
    // tokens. To convert numbers of sixteen bits again and again costs less than to pack them as float32 for fewer.
    private const int PairsFromTokens = 8, PanelsFromTokens = 24, ConvertedPanelsFromTokens = 96;

    private MatrixProductArguments _arguments;
    private Ranges _ranges;
    private delegate* unmanaged[Cdecl]<void*, void> _assembled;
    private byte* _rounded;

    /// <summary>Runs the product.</summary>
    /// <param name="arguments">The operands.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    /// <param name="assembled">Whether an assembled kernel does what it can.</param>
    /// <param name="rounding">Whether the inputs are rounded to bfloat16 where the weights are.</param>
    public static void Run(
        in MatrixProductArguments arguments, ComputePool pool, int threads, bool assembled = false, ActivationRounding rounding = ActivationRounding.Never)
    {
        var (path, inPairs) = assembled && arguments is { Tokens: > 0, Rows: > 0, Columns: > 0 } ? PathOf(in arguments, rounding) : default;
        if (path != FloatPath.OneToken && TryRunTiles(path, inPairs, in arguments, pool, threads)) return;
        var rowBytes = Math.Max(1, arguments.Columns * TFormat.Size);
        var job = new MatrixProduct<T, TFormat>
        {
            _arguments = arguments,
            _ranges = new Ranges(arguments.Rows, rowBytes, threads),
            _assembled = assembled && path == FloatPath.OneToken ? FloatKernel.Find(TFormat.Type, arguments.Columns, inPairs) : null,
            _rounded = inPairs && path == FloatPath.OneToken ? RoundedInput(arguments.Columns).PackInputs(in arguments, 1, pool, threads) : null,
        };
        var work = (long)arguments.Rows * arguments.Columns * arguments.Tokens;
        pool.Run(ref job, job._ranges.Count, ComputePool.ThreadsFor(work, threads));
    }

    /// <summary>What an assembled product keeps for the next one.</summary>
    /// <param name="arguments">Its sizes.</param>
    /// <param name="threads">The threads.</param>
    /// <param name="rounding">Whether the inputs are rounded to bfloat16.</param>
    public static ProductScratch Scratch(in MatrixProductArguments arguments, int threads, ActivationRounding rounding)
    {
        var (path, inPairs) = PathOf(in arguments, rounding);
        return path switch
        {
            FloatPath.OneToken => new(inPairs ? (long)RoundedInput(arguments.Columns).Lines * PackedLines.LineBytes : 0, 0),
            FloatPath.Amx => AmxProduct.Scratch(in arguments, threads),
            FloatPath.Streamed => StreamedProduct.Scratch(in arguments, TFormat.Type, inPairs, threads),
            _ => PanelProduct.Scratch(in arguments, TFormat.Type, inPairs, threads),
        };
    }

    /// <summary>What multiplies the tokens, and whether their inputs are rounded to bfloat16.</summary>
    /// <param name="arguments">The product's sizes.</param>
    /// <param name="rounding">Whether the inputs may be rounded.</param>
    public static (FloatPath Path, bool InPairs) PathOf(in MatrixProductArguments arguments, ActivationRounding rounding)
    {
        var unit = PairsOf(arguments.Tokens, rounding);
        if (unit == PairUnit.Amx && AmxProduct.Takes(in arguments)) return (FloatPath.Amx, true);
        var inPairs = unit == PairUnit.Vectors;
        if (arguments.Tokens == 1 && (!inPairs || FloatKernel.Find(TFormat.Type, arguments.Columns, inPairs) is not null)) return (FloatPath.OneToken, inPairs);
        return (!PacksPanels(arguments.Tokens, inPairs) && StreamedProduct.Takes(in arguments, TFormat.Type, inPairs) ? FloatPath.Streamed : FloatPath.Panel, inPairs);
    }

    /// <summary>What multiplies so many tokens' inputs once they are rounded to bfloat16, if they are.</summary>
    public static PairUnit PairsOf(int tokens, ActivationRounding rounding)
    {
        if (TFormat.Type != TensorType.BF16 || rounding == ActivationRounding.Never) return PairUnit.None;
        if (rounding == ActivationRounding.Pinned) return TileChoice.PrefersPairs ? PairUnit.Vectors : PairUnit.None;
        if (tokens < PairsFromTokens) return PairUnit.None;
        if (tokens >= PanelsFromTokens && (rounding == ActivationRounding.ForAmx || TileChoice.PrefersAmx)) return PairUnit.Amx;
        return TileChoice.PrefersPairs ? PairUnit.Vectors : PairUnit.None;
    }

    /// <summary>Whether it pays to pack weights for so many tokens.</summary>
    private static bool PacksPanels(int tokens, bool inPairs) =>
        tokens >= (inPairs || TFormat.Size == sizeof(float) ? PanelsFromTokens : ConvertedPanelsFromTokens);

    public readonly void Run(int block)
    {
        var (first, end) = _ranges[block];
        var tokensAtOnce = Math.Clamp(TokenBytes / Math.Max(1, _arguments.InputStride * sizeof(float)), 8, 64) & ~1;
        for (var token = 0; token < _arguments.Tokens; token += tokensAtOnce)
        {
            var tokens = Math.Min(tokensAtOnce, _arguments.Tokens - token);
            if (tokens == 1) OneToken(first, end, token);
            else if (TFormat.Size < sizeof(float) && tokens >= DecodeFromTokens && _arguments.Columns <= DecodeUpToColumns)
                DecodedRows(first, end, token, tokens);
            else StoredRows(first, end, token, tokens);
        }
    }

    private static bool TryRunTiles(FloatPath path, bool inPairs, in MatrixProductArguments arguments, ComputePool pool, int threads) => path switch
    {
        FloatPath.Amx => AmxProduct.TryRun(in arguments, pool, threads),
        FloatPath.Streamed => StreamedProduct.TryRun(in arguments, TFormat.Type, inPairs, pool, threads),
        _ => PanelProduct.TryRun(in arguments, TFormat.Type, inPairs, pool, threads),
    };

    /// <summary>One token's columns as pairs of bfloat16, in order.</summary>
    private static PackedLines RoundedInput(int columns) => new(LineConversion.Float32ToBFloat16, columns * sizeof(float), int.MaxValue);

    private readonly void OneToken(int row, int end, int token)
    {
        if (_assembled is not null)
            while (end - row >= FloatKernel.RowsAtOnce(TFormat.Type)) row = MultiplyAssembled(row, Math.Min(end, row + MostRows));
        for (; row + 4 <= end; row += 4)
            MatrixTiles<T, TFormat>.FourRows(in _arguments, row, token);
        for (; row < end; row++)
            MatrixTiles<T, TFormat>.OneRow(in _arguments, Row(row), row, token);
    }

    /// <summary>As many rows as the kernel takes at once; returns the one behind them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    private readonly int MultiplyAssembled(int row, int end)
    {
        var groups = (end - row) / FloatKernel.RowsAtOnce(TFormat.Type);
        var sums = stackalloc float[MostRows];
        var arguments = new FloatKernelArguments
        {
            Weights = Row(row),
            Input = _rounded is null ? _arguments.Input : _rounded,
            Output = sums,
            Groups = groups,
            Columns = _arguments.Columns,
        };
        _assembled(&arguments);
        var count = groups * FloatKernel.RowsAtOnce(TFormat.Type);
        _arguments.Put(row, count, 0, sums);
        return row + count;
    }

    private readonly void StoredRows(int row, int end, int token, int tokens)
    {
        for (; row + 2 <= end; row += 2)
            MatrixTiles<T, TFormat>.TwoRows(in _arguments, Row(row), Row(row + 1), row, token, tokens);
        for (; row < end; row++)
            for (var t = 0; t < tokens; t++) MatrixTiles<T, TFormat>.OneRow(in _arguments, Row(row), row, token + t);
    }

    [SkipLocalsInit]
    private readonly void DecodedRows(int row, int end, int token, int tokens)
    {
        var stride = (_arguments.Columns + 15) & ~15;
        var decoded = stackalloc float[2 * stride];
        for (; row < end; row += 2)
        {
            Decode(Row(row), decoded);
            if (row + 1 == end)
            {
                for (var t = 0; t < tokens; t++)
                    MatrixTiles<T, F32Format>.OneRow(in _arguments, (byte*)decoded, row, token + t);
                continue;
            }

            Decode(Row(row + 1), decoded + stride);
            MatrixTiles<T, F32Format>.TwoRows(in _arguments, (byte*)decoded, (byte*)(decoded + stride), row, token, tokens);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Decode(byte* source, float* destination)
    {
        nint columns = _arguments.Columns, whole = columns & ~15;
        if (whole < columns)
            T.Store(MatrixTiles<T, TFormat>.LoadTail(source + whole * TFormat.Size, (int)(columns - whole)), destination + whole);
        for (nint k = 0; k < whole; k += 16) T.Store(TFormat.Load<T>(source + k * TFormat.Size), destination + k);
    }

    private readonly byte* Row(int row) => _arguments.Weights + (nint)row * _arguments.Columns * TFormat.Size;
}
