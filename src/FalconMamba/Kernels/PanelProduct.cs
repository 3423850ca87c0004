using FalconMamba.Formats;
using FalconMamba.Kernels.Assembled;

namespace FalconMamba.Kernels;

/// <summary>
/// <see cref="MatrixProduct{T, TFormat}"/> for many tokens, assembled: a panel of rows is packed once for all of them, as float32
/// or as pairs of bfloat16, and multiplied stretch by stretch so that a tile's rows stay in the first-level cache while the
/// tokens pass. Between stretches the sums of an output wait in memory, all sixteen.
/// </summary>
internal unsafe struct PanelProduct : IBlockJob
{
    private const int TileRows = 8, TileTokens = 3, LineBytes = PackedLines.LineBytes, LineFloats = LineBytes / sizeof(float);

    // A tile's rows take 20 KB of the first-level cache; the inputs and sums of a stretch, 160 and 190 KB, and the panel's
    // stretch of 120 KB lie in the second-level one.
    private const int MostLines = 40, TokensAtOnce = 21 * TileTokens, MostRows = 48;

    private MatrixProductArguments _arguments;
    private PackedLines _weightLines, _inputLines;
    private byte* _input;
    private delegate* unmanaged[Cdecl]<void*, void> _tile, _lastTile;
    private int _panelRows, _threads;
    private nint _rowBytes;

    /// <summary>Runs the product, if there are kernels for it.</summary>
    /// <param name="arguments">The operands.</param>
    /// <param name="type">The weights' type: F32, F16 or BF16.</param>
    /// <param name="inPairs">Whether the inputs are rounded to bfloat16, as the weights are.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    /// <returns>Whether it ran.</returns>
    public static bool TryRun(in MatrixProductArguments arguments, TensorType type, bool inPairs, ComputePool pool, int threads)
    {
        var weightConversion = WeightConversion(type, inPairs);
        var inputConversion = inPairs ? LineConversion.Float32ToBFloat16 : LineConversion.None;
        var numbers = inPairs ? TileNumbers.BFloat16Pairs : TileNumbers.Float32;
        var rowBytes = arguments.Columns * (type == TensorType.F32 ? sizeof(float) : sizeof(ushort));
        var last = arguments.Tokens % TileTokens;
        var tile = FloatTileKernel.Find(numbers, TileRows, TileTokens);
        var lastTile = last == 0 ? tile : FloatTileKernel.Find(numbers, TileRows, last);
        if (tile is null || lastTile is null || !HasLines(weightConversion, arguments.Rows % TileRows) || !HasLines(inputConversion, last)) return false;
        var job = new PanelProduct
        {
            _arguments = arguments,
            _weightLines = new PackedLines(weightConversion, rowBytes, MostLines),
            _inputLines = new PackedLines(inputConversion, arguments.Columns * sizeof(float), MostLines),
            _tile = tile,
            _lastTile = lastTile,
            _threads = threads,
            _panelRows = PanelRows(arguments.Rows, threads),
            _rowBytes = rowBytes,
        };
        job._input = job._inputLines.PackInputs(in arguments, TileTokens, pool, threads);
        var work = (long)arguments.Rows * arguments.Columns * arguments.Tokens;
        pool.Run(ref job, (arguments.Rows + job._panelRows - 1) / job._panelRows, ComputePool.ThreadsFor(work, threads));
        return true;
    }

    /// <summary>What a product keeps for the next one.</summary>
    /// <param name="arguments">Its sizes.</param>
    /// <param name="type">The weights' type.</param>
    /// <param name="inPairs">Whether inputs are rounded to bfloat16.</param>
    /// <param name="threads">The threads.</param>
    public static ProductScratch Scratch(in MatrixProductArguments arguments, TensorType type, bool inPairs, int threads)
    {
        var inputs = new PackedLines(inPairs ? LineConversion.Float32ToBFloat16 : LineConversion.None, arguments.Columns * sizeof(float), MostLines);
        var weights = new PackedLines(
            WeightConversion(type, inPairs), arguments.Columns * (type == TensorType.F32 ? sizeof(float) : sizeof(ushort)), MostLines);
        return new((long)arguments.Tokens * inputs.Lines * LineBytes, PanelBytes(Math.Min(PanelRows(arguments.Rows, threads), PadRows(arguments.Rows)), weights.Lines));
    }

    public readonly void Run(int block)
    {
        var first = block * _panelRows;
        var rows = Math.Min(_panelRows, _arguments.Rows - first);
        var padded = PadRows(rows);
        var panelBytes = (nint)padded * _weightLines.Lines * LineBytes;
        var panel = ThreadMemory.OfPanels(PanelBytes(padded, _weightLines.Lines));
        var partials = (float*)(panel + panelBytes);
        var sums = partials + ((nint)TokensAtOnce * padded * LineFloats);
        var source = _arguments.Weights + (first * _rowBytes);
        for (var row = 0; row < rows; row += TileRows)
            _weightLines.Pack(source + (row * _rowBytes), _rowBytes, Math.Min(TileRows, rows - row), TileRows, panel, row, padded);

        var ahead = _arguments.NextPanel(first, _panelRows, _threads, _rowBytes);
        for (var token = 0; token < _arguments.Tokens; token += TokensAtOnce)
        {
            var tokens = Math.Min(TokensAtOnce, _arguments.Tokens - token);
            for (var stretch = 0; stretch < _weightLines.Stretches; stretch++)
                for (var row = 0; row < padded; row += TileRows) Multiply(stretch, row, padded, token, tokens, panel, partials, sums, ref ahead);
            for (var t = 0; t < tokens; t++) _arguments.Put(first, rows, token + t, sums + (t * padded));
        }
    }

    private static LineConversion WeightConversion(TensorType type, bool inPairs) => type switch
    {
        TensorType.F16 => LineConversion.HalfToFloat32,
        TensorType.BF16 when !inPairs => LineConversion.BFloat16ToFloat32,
        _ => LineConversion.None,
    };

    // Four panels a thread, so that a slower one is not waited for.
    private static int PanelRows(int rows, int threads) => Math.Clamp(PadRows(rows / (4 * Math.Max(1, threads))), TileRows, MostRows);

    // A panel, and for each token that passes it at once sixteen sums and a total a row.
    private static long PanelBytes(int rows, int lines) => ((long)rows * lines * LineBytes) + ((long)TokensAtOnce * rows * (LineBytes + sizeof(float)));

    private static bool HasLines(LineConversion conversion, int rest) =>
        LineKernel.Find(conversion, TileRows) is not null && LineKernel.Find(conversion, TileTokens) is not null
        && (rest == 0 || LineKernel.Find(conversion, rest) is not null);

    private static int PadRows(int rows) => (rows + TileRows - 1) / TileRows * TileRows;

    /// <summary>One stretch of eight rows and some tokens.</summary>
    private readonly void Multiply(
        int stretch, int row, int padded, int token, int tokens, byte* panel, float* partials, float* sums, ref (nint Place, nint End) ahead)
    {
        var whole = tokens / TileTokens * TileTokens;
        for (var done = 0; done < tokens; done += Math.Max(TileTokens, whole))
        {
            var width = done < whole ? TileTokens : tokens - whole;
            var steps = _weightLines.LinesOf(stretch);
            var arguments = new FloatTileArguments
            {
                Weights = panel + _weightLines.Place(stretch, row, padded),
                WeightStride = LineBytes,
                WeightStep = TileRows * LineBytes,
                Input = _input + _inputLines.Place(stretch, token + done, _arguments.Tokens),
                InputStride = LineBytes,
                InputStep = width * LineBytes,
                InputJump = (long)steps * width * LineBytes,
                Steps = steps,
                Tiles = done < whole ? whole / TileTokens : 1,
                Partials = partials + (((nint)(row * TokensAtOnce) + (done * TileRows)) * LineFloats),
                Continue = stretch > 0 ? 1 : 0,
                Pause = stretch < _weightLines.Stretches - 1 ? 1 : 0,
                Output = sums + ((nint)done * padded) + row,
                OutputStride = padded * sizeof(float),
                OutputJump = width * padded * sizeof(float),
            };
            arguments.Ahead = ahead.Place < ahead.End ? _arguments.Weights + ahead.Place : arguments.Weights;
            ahead.Place += (nint)(arguments.Tiles * steps * LineBytes);
            if (width == TileTokens) _tile(&arguments);
            else _lastTile(&arguments);
        }
    }
}
