using System.Runtime.CompilerServices;
using FalconMamba.Formats;
using FalconMamba.Kernels.Assembled;

namespace FalconMamba.Kernels;

/// <summary>
/// <see cref="MatrixProduct{T, TFormat}"/> for a few tokens, assembled: weights are read where they lie, four rows side by side,
/// and stay near while the tokens pass.
/// </summary>
internal unsafe struct StreamedProduct : IBlockJob
{
    private const int TileRows = 4, MostTileTokens = FloatTileKernel.MostSums / TileRows, LineBytes = PackedLines.LineBytes;

    // Where the tokens take several passes, a stretch of a pass's inputs fits the first-level cache, and the rows that stay
    // near meanwhile, with their sums, the second-level one.
    private const int MostLines = 64, ChunkBytes = 256 * 1024, MostRows = 256;

    private MatrixProductArguments _arguments;
    private PackedLines _lines;
    private Ranges _ranges;
    private delegate* unmanaged[Cdecl]<void*, void> _tile, _lastTile;
    private byte* _input;
    private int _rowBytes, _stepBytes, _chunk, _width, _asked;

    /// <summary>Runs the product, if there are kernels for it.</summary>
    /// <param name="arguments">The operands.</param>
    /// <param name="type">The weights' type: F32, F16 or BF16.</param>
    /// <param name="inPairs">Whether the inputs are rounded to bfloat16, as the weights are.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    /// <returns>Whether it ran.</returns>
    public static bool TryRun(in MatrixProductArguments arguments, TensorType type, bool inPairs, ComputePool pool, int threads)
    {
        var (numbers, stepBytes) = Numbers(type, inPairs);
        var rowBytes = arguments.Columns * (type == TensorType.F32 ? sizeof(float) : sizeof(ushort));
        var passes = (arguments.Tokens + MostTileTokens - 1) / MostTileTokens;
        var width = (arguments.Tokens + passes - 1) / passes;
        if (!Takes(in arguments, type, inPairs)) return false;
        // Each pass asks for its share of the rows, so that memory is never idle.
        var asked = (TileRows + passes - 1) / passes;
        var tile = FloatTileKernel.Find(numbers, TileRows, width, asked);
        var last = ((arguments.Tokens - 1) % width) + 1;
        var lastTile = FloatTileKernel.Find(numbers, TileRows, last, asked);
        var inputConversion = inPairs ? LineConversion.Float32ToBFloat16 : LineConversion.None;
        if (tile is null || lastTile is null || LineKernel.Find(inputConversion, width) is null || LineKernel.Find(inputConversion, last) is null) return false;
        var job = new StreamedProduct
        {
            _arguments = arguments,
            _lines = new PackedLines(inputConversion, arguments.Columns * sizeof(float), passes > 1 ? MostLines : int.MaxValue),
            _ranges = new Ranges(arguments.Rows, rowBytes, threads),
            _tile = tile,
            _lastTile = lastTile,
            _rowBytes = rowBytes,
            _stepBytes = stepBytes,
            _chunk = Chunk(rowBytes),
            _width = width,
            _asked = asked,
        };
        if (inPairs) job._input = job._lines.PackInputs(in arguments, width, pool, threads);
        var work = (long)arguments.Rows * arguments.Columns * arguments.Tokens;
        pool.Run(ref job, job._ranges.Count, ComputePool.ThreadsFor(work, threads));
        return true;
    }

    /// <summary>Whether there may be kernels for operands of such sizes.</summary>
    /// <param name="arguments">The sizes.</param>
    /// <param name="type">The weights' type.</param>
    /// <param name="inPairs">Whether inputs are rounded to bfloat16.</param>
    public static bool Takes(in MatrixProductArguments arguments, TensorType type, bool inPairs) =>
        arguments.Columns * (type == TensorType.F32 ? sizeof(float) : sizeof(ushort)) % Numbers(type, inPairs).StepBytes == 0 && arguments.Rows >= TileRows;

    /// <summary>What a product keeps for the next one.</summary>
    /// <param name="arguments">Its sizes.</param>
    /// <param name="type">The weights' type.</param>
    /// <param name="inPairs">Whether inputs are rounded to bfloat16.</param>
    /// <param name="threads">The threads.</param>
    public static ProductScratch Scratch(in MatrixProductArguments arguments, TensorType type, bool inPairs, int threads)
    {
        var lines = new PackedLines(
            inPairs ? LineConversion.Float32ToBFloat16 : LineConversion.None, arguments.Columns * sizeof(float), arguments.Tokens > MostTileTokens ? MostLines : int.MaxValue);
        var rowBytes = arguments.Columns * (type == TensorType.F32 ? sizeof(float) : sizeof(ushort));
        var (first, end) = new Ranges(arguments.Rows, rowBytes, threads)[0];
        var rows = Math.Min(Chunk(rowBytes), (end - first) / TileRows * TileRows);
        return new(
            inPairs ? (long)arguments.Tokens * lines.Lines * LineBytes : 0, lines.Stretches > 1 ? (long)rows * arguments.Tokens * LineBytes : 0);
    }

    public readonly void Run(int block)
    {
        var (row, end) = _ranges[block];
        while (end - row >= TileRows)
        {
            var rows = Math.Min(_chunk, (end - row) / TileRows * TileRows);
            Multiply(row, rows, 0);
            row += rows;
        }

        // The last rows make a tile with those before them, which are written already.
        if (row < end) Multiply(end - TileRows, TileRows, TileRows - (end - row));
    }

    private static (TileNumbers Numbers, int StepBytes) Numbers(TensorType type, bool inPairs) => type switch
    {
        TensorType.F32 => (TileNumbers.Float32, LineBytes),
        TensorType.F16 => (TileNumbers.Half, LineBytes / 2),
        _ => inPairs ? (TileNumbers.BFloat16Pairs, LineBytes) : (TileNumbers.BFloat16, LineBytes / 2),
    };

    private static int Chunk(int rowBytes) => Math.Clamp(ChunkBytes / rowBytes, TileRows, MostRows) / TileRows * TileRows;

    /// <summary>Some rows and all tokens; the first rows' results are not written.</summary>
    private readonly void Multiply(int row, int rows, int written)
    {
        var partials = _lines.Stretches > 1 ? (float*)ThreadMemory.OfPanels((long)rows * _arguments.Tokens * LineBytes) : null;
        for (var stretch = 0; stretch < _lines.Stretches; stretch++)
            for (var token = 0; token < _arguments.Tokens; token += _width)
                Multiply(stretch, row, rows, written, token, Math.Min(_width, _arguments.Tokens - token), partials);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    private readonly void Multiply(int stretch, int row, int rows, int written, int token, int tokens, float* partials)
    {
        var sums = stackalloc float[MostTileTokens * MostRows];
        var first = _lines.FirstOf(stretch);
        var weights = _arguments.Weights + ((nint)row * _rowBytes) + ((nint)first * _stepBytes);
        var arguments = new FloatTileArguments
        {
            Weights = weights,
            WeightStride = _rowBytes,
            WeightStep = _stepBytes,
            WeightJump = TileRows * (long)_rowBytes,
            Input = (byte*)(_arguments.Input + ((nint)token * _arguments.InputStride)) + ((nint)first * LineBytes),
            InputStride = _arguments.InputStride * (long)sizeof(float),
            InputStep = LineBytes,
            Steps = _lines.LinesOf(stretch),
            Tiles = rows / TileRows,
            Partials = partials + ((nint)rows * token * (LineBytes / sizeof(float))),
            Continue = stretch > 0 ? 1 : 0,
            Pause = stretch < _lines.Stretches - 1 ? 1 : 0,
            Output = sums,
            OutputStride = rows * sizeof(float),
            OutputJump = TileRows * sizeof(float),
            Ahead = weights + Ahead(stretch, rows, token / _width),
        };
        if (_input is not null)
        {
            arguments.Input = _input + _lines.Place(stretch, token, _arguments.Tokens);
            arguments.InputStride = LineBytes;
            arguments.InputStep = tokens * LineBytes;
        }

        if (tokens == _width) _tile(&arguments);
        else _lastTile(&arguments);
        if (arguments.Pause != 0) return;
        for (var t = 0; t < tokens; t++) _arguments.Put(row + written, rows - written, token + t, sums + (t * rows) + written);
    }

    // In one pass the next tile; in several the next stretch of all rows, some rows of each tile in each pass.
    private readonly nint Ahead(int stretch, int rows, int pass)
    {
        if (_lines.Stretches == 1) return (TileRows + (pass * _asked)) * (nint)_rowBytes;
        if (pass * _asked >= TileRows) return 0;
        var next = stretch + 1 < _lines.Stretches
            ? (nint)_lines.LinesOf(stretch) * _stepBytes
            : (rows * (nint)_rowBytes) - ((nint)_lines.FirstOf(stretch) * _stepBytes);
        return next + (pass * _asked * (nint)_rowBytes);
    }
}
