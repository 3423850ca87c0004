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

    // Rows that stay in the second-level cache while the tokens pass.
    private const int ChunkBytes = 256 * 1024, MostRows = 256;

    private MatrixProductArguments _arguments;
    private PackedLines _lines;
    private Ranges _ranges;
    private delegate* unmanaged[Cdecl]<void*, void> _tile, _lastTile;
    private byte* _input;
    private int _rowBytes, _stepBytes, _chunk, _width;

    /// <summary>Runs the product, if there are kernels for it.</summary>
    /// <param name="arguments">The operands.</param>
    /// <param name="type">The weights' type: F32, F16 or BF16.</param>
    /// <param name="inPairs">Whether the inputs are rounded to bfloat16, as the weights are.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    /// <returns>Whether it ran.</returns>
    public static bool TryRun(in MatrixProductArguments arguments, TensorType type, bool inPairs, ComputePool pool, int threads)
    {
        var (numbers, stepBytes) = type switch
        {
            TensorType.F32 => (TileNumbers.Float32, LineBytes),
            TensorType.F16 => (TileNumbers.Half, LineBytes / 2),
            _ => inPairs ? (TileNumbers.BFloat16Pairs, LineBytes) : (TileNumbers.BFloat16, LineBytes / 2),
        };
        var rowBytes = arguments.Columns * (type == TensorType.F32 ? sizeof(float) : sizeof(ushort));
        var passes = (arguments.Tokens + MostTileTokens - 1) / MostTileTokens;
        var width = (arguments.Tokens + passes - 1) / passes;
        if (rowBytes % stepBytes != 0 || arguments.Rows < TileRows) return false;
        var tile = FloatTileKernel.Find(numbers, TileRows, width);
        var lastTile = FloatTileKernel.Find(numbers, TileRows, ((arguments.Tokens - 1) % width) + 1);
        if (tile is null || lastTile is null) return false;
        var job = new StreamedProduct
        {
            _arguments = arguments,
            _ranges = new Ranges(arguments.Rows, rowBytes, threads),
            _tile = tile,
            _lastTile = lastTile,
            _rowBytes = rowBytes,
            _stepBytes = stepBytes,
            _chunk = Math.Clamp(ChunkBytes / rowBytes, TileRows, MostRows) / TileRows * TileRows,
            _width = width,
        };
        if (inPairs)
        {
            job._lines = new PackedLines(LineConversion.Float32ToBFloat16, arguments.Columns * sizeof(float), int.MaxValue);
            job._input = job._lines.PackInputs(in arguments, width, pool, threads);
        }

        var work = (long)arguments.Rows * arguments.Columns * arguments.Tokens;
        pool.Run(ref job, job._ranges.Count, ComputePool.ThreadsFor(work, threads));
        return true;
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

    /// <summary>Some rows and all tokens; the first rows' results are not written.</summary>
    private readonly void Multiply(int row, int rows, int written)
    {
        for (var token = 0; token < _arguments.Tokens; token += _width)
            Multiply(row, rows, written, token, Math.Min(_width, _arguments.Tokens - token));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    private readonly void Multiply(int row, int rows, int written, int token, int tokens)
    {
        var sums = stackalloc float[MostTileTokens * MostRows];
        var weights = _arguments.Weights + ((nint)row * _rowBytes);
        var arguments = new FloatTileArguments
        {
            Weights = weights,
            WeightStride = _rowBytes,
            WeightStep = _stepBytes,
            WeightJump = TileRows * (long)_rowBytes,
            Input = (byte*)(_arguments.Input + ((nint)token * _arguments.InputStride)),
            InputStride = _arguments.InputStride * (long)sizeof(float),
            InputStep = LineBytes,
            Steps = _rowBytes / _stepBytes,
            Tiles = rows / TileRows,
            Output = sums,
            OutputStride = rows * sizeof(float),
            OutputJump = TileRows * sizeof(float),
            // The next tile's rows, or nothing new where the rows pass more than once.
            Ahead = _width == _arguments.Tokens ? weights + (TileRows * (nint)_rowBytes) : weights,
        };
        if (_input is not null)
        {
            arguments.Input = _input + _lines.Place(0, token, _arguments.Tokens);
            arguments.InputStride = LineBytes;
            arguments.InputStep = tokens * LineBytes;
        }

        if (tokens == _width) _tile(&arguments);
        else _lastTile(&arguments);
        for (var t = 0; t < tokens; t++)
            for (var r = written; r < rows; r++) _arguments.Put(row + r, token + t, sums[(t * rows) + r]);
    }
}
