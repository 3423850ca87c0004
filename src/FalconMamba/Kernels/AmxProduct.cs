using FalconMamba.Kernels.Assembled;

namespace FalconMamba.Kernels;

/// <summary>
/// The product of bfloat16 weights with many tokens on the tiles of AMX: what <see cref="PanelProduct"/> is to vectors. Rows are
/// packed once for all tokens, in tiles as they are; inputs are rounded to bfloat16 and their tiles transposed, so that pairs of
/// columns lie across the tokens; sums are transposed on their way to Y. Tails are padded: columns with zeros, rows and tokens with
/// whatever lies there, since nothing of theirs is written.
/// </summary>
internal unsafe struct AmxProduct : IBlockJob
{
    private const int Side = AmxTileKernel.Side, Rows = AmxTileKernel.Rows, BlockTokens = 2 * Side, LineBytes = PackedLines.LineBytes, PackedRows = 8;

    // Reckoned, not measured, for a first-level cache of 48 KB and a second-level one of 2 MB: thirty-two rows of a stretch
    // take 32 KB; a stretch's inputs 256 KB, its sums 64 KB, and two panels of 4096 columns a megabyte.
    private const int MostLines = 16, TokensAtOnce = 8 * BlockTokens, MostRows = 2 * Rows;

    private MatrixProductArguments _arguments;
    private PackedLines _weightLines, _inputLines;
    private byte* _input;
    private delegate* unmanaged[Cdecl]<void*, void> _kernel, _lastKernel;
    private int _panelRows, _paddedTokens, _threads;
    private nint _rowBytes;

    /// <summary>Runs the product, if AMX is usable and there are kernels for it.</summary>
    /// <param name="arguments">The operands; W is bfloat16.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    /// <returns>Whether it ran.</returns>
    public static bool TryRun(in MatrixProductArguments arguments, ComputePool pool, int threads)
    {
        if (!Takes(in arguments)) return false;
        Run(in arguments, AmxTileKernel.Find(2), AmxTileKernel.Find(1), pool, threads);
        return true;
    }

    /// <summary>Whether AMX is usable, and there are kernels to pack the operands with.</summary>
    public static bool Takes(in MatrixProductArguments arguments) =>
        AmxTileKernel.Find(2) is not null && AmxTileKernel.Find(1) is not null && HasLines(in arguments);

    /// <summary>Whether there are kernels to pack the operands with.</summary>
    public static bool HasLines(in MatrixProductArguments arguments) =>
        HasLines(LineConversion.None, arguments.Rows) && HasLines(LineConversion.Float32ToBFloat16, arguments.Tokens);

    /// <summary>Runs the product.</summary>
    /// <param name="arguments">The operands; W is bfloat16.</param>
    /// <param name="kernel">The kernel for two tiles of tokens.</param>
    /// <param name="lastKernel">The kernel for one.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    public static void Run(
        in MatrixProductArguments arguments, delegate* unmanaged[Cdecl]<void*, void> kernel, delegate* unmanaged[Cdecl]<void*, void> lastKernel,
        ComputePool pool, int threads)
    {
        var job = new AmxProduct
        {
            _arguments = arguments,
            _weightLines = new PackedLines(LineConversion.None, arguments.Columns * sizeof(ushort), MostLines),
            _inputLines = new PackedLines(LineConversion.Float32ToBFloat16, arguments.Columns * sizeof(float), MostLines),
            _kernel = kernel,
            _lastKernel = lastKernel,
            _panelRows = PanelRows(arguments.Rows, threads),
            _paddedTokens = Pad(arguments.Tokens, Side),
            _rowBytes = arguments.Columns * sizeof(ushort),
            _threads = threads,
        };
        job._input = ThreadMemory.OfInputs((long)job._paddedTokens * job._inputLines.Lines * LineBytes);
        var packing = new InputPacking { Product = job };
        pool.Run(ref packing, (arguments.Tokens + BlockTokens - 1) / BlockTokens, ComputePool.ThreadsFor((long)arguments.Tokens * arguments.Columns, threads));
        pool.RunOnWorkers(ref job, (arguments.Rows + job._panelRows - 1) / job._panelRows, threads);
    }

    /// <summary>What a product keeps for the next one.</summary>
    /// <param name="arguments">Its sizes.</param>
    /// <param name="threads">The threads.</param>
    public static ProductScratch Scratch(in MatrixProductArguments arguments, int threads)
    {
        var inputs = new PackedLines(LineConversion.Float32ToBFloat16, arguments.Columns * sizeof(float), MostLines);
        var weights = new PackedLines(LineConversion.None, arguments.Columns * sizeof(ushort), MostLines);
        var rows = Math.Min(PanelRows(arguments.Rows, threads), Pad(arguments.Rows, Rows));
        return new((long)Pad(arguments.Tokens, Side) * inputs.Lines * LineBytes, PanelBytes(rows, weights.Lines));
    }

    public readonly void Run(int block)
    {
        if (!SignalStack.Enlarge()) throw new InvalidOperationException("The system refuses a larger stack for signals, which AMX takes: use FALCON_MAMBA_KERNELS=512.");
        var first = block * _panelRows;
        var rows = Math.Min(_panelRows, _arguments.Rows - first);
        var padded = Pad(rows, Rows);
        var panelBytes = (nint)padded * _weightLines.Lines * LineBytes;
        var panel = ThreadMemory.OfPanels(PanelBytes(padded, _weightLines.Lines));
        var sums = (float*)(panel + panelBytes);
        PackRows(_weightLines, _arguments.Weights + (first * _rowBytes), _rowBytes, rows, Rows, panel, padded);

        var ahead = _arguments.NextPanel(first, _panelRows, _threads, _rowBytes);
        for (var token = 0; token < _paddedTokens; token += TokensAtOnce)
        {
            var tokens = Math.Min(TokensAtOnce, _paddedTokens - token);
            for (var stretch = 0; stretch < _weightLines.Stretches; stretch++)
            {
                for (var row = 0; row < padded; row += Rows)
                {
                    var weights = panel + _weightLines.Place(stretch, row, padded);
                    Multiply(stretch, weights, token, tokens, sums + (row * TokensAtOnce), ref ahead);
                }
            }

            for (var row = 0; row < rows; row += Rows) Put(sums + (row * TokensAtOnce), first + row, Math.Min(Rows, rows - row), token, tokens);
        }
    }

    private static bool HasLines(LineConversion conversion, int rows) =>
        LineKernel.Find(conversion, PackedRows) is not null && (rows % PackedRows == 0 || LineKernel.Find(conversion, rows % PackedRows) is not null);

    // Four panels a thread, so that a slower one is not waited for.
    private static int PanelRows(int rows, int threads) => Math.Clamp(Pad(rows / (4 * Math.Max(1, threads)), Rows), Rows, MostRows);

    // A panel, and a sum for each of its rows and of the tokens that pass it at once.
    private static long PanelBytes(int rows, int lines) => ((long)rows * lines * LineBytes) + ((long)rows * TokensAtOnce * sizeof(float));

    private static int Pad(int count, int multiple) => (count + multiple - 1) / multiple * multiple;

    /// <summary>Packs rows, so many side by side.</summary>
    private static void PackRows(PackedLines lines, byte* source, nint stride, int rows, int width, byte* destination, int all, int before = 0)
    {
        for (var row = 0; row < rows; row += PackedRows)
        {
            var beside = row % width;
            lines.Pack(
                source + (row * stride), stride, Math.Min(PackedRows, rows - row), width, destination + (beside * LineBytes), before + row - beside, all);
        }
    }

    /// <summary>One stretch of thirty-two rows and some tokens, whole tiles of both.</summary>
    private readonly void Multiply(int stretch, byte* weights, int token, int tokens, float* sums, ref (nint Place, nint End) ahead)
    {
        var whole = tokens / BlockTokens * BlockTokens;
        for (var done = 0; done < tokens; done += Math.Max(BlockTokens, whole))
        {
            var arguments = new AmxTileArguments
            {
                Weights = weights,
                Input = _input + _inputLines.Place(stretch, token + done, _paddedTokens),
                Sums = sums + (done * Rows),
                Steps = _weightLines.LinesOf(stretch),
                Blocks = done < whole ? whole / BlockTokens : 1,
                Continue = stretch > 0 ? 1 : 0,
                Ahead = ahead.Place < ahead.End ? _arguments.Weights + ahead.Place : weights,
            };
            ahead.Place += (nint)(arguments.Steps * arguments.Blocks * AmxTileKernel.LinesAhead * LineBytes);
            if (done < whole) _kernel(&arguments);
            else _lastKernel(&arguments);
        }
    }

    /// <summary>Writes the sums of some rows and tokens.</summary>
    private readonly void Put(float* sums, int first, int rows, int token, int tokens)
    {
        var end = Math.Min(token + tokens, _arguments.Tokens);
        for (var tile = 0; tile < tokens * Rows / (Side * Side); tile++, sums += Side * Side)
        {
            // A block has the tiles of its first sixteen rows, one or two, and then those of the others.
            var block = tile / 4 * 2;
            var width = Math.Min(2, (tokens / Side) - block);
            var row = tile % 4 / width * Side;
            var from = token + ((block + (tile % 4 % width)) * Side);
            if (row >= rows) continue;
            TileTransposition.Run(sums);
            for (var t = 0; t < Side && from + t < end; t++) _arguments.Put(first + row, Math.Min(Side, rows - row), from + t, sums + (t * Side));
        }
    }

    private struct InputPacking : IBlockJob
    {
        public AmxProduct Product;

        public readonly void Run(int block)
        {
            ref readonly var arguments = ref Product._arguments;
            var lines = Product._inputLines;
            var token = block * BlockTokens;
            var tokens = Math.Min(BlockTokens, arguments.Tokens - token);
            var width = Pad(tokens, Side);
            var stride = arguments.InputStride * (nint)sizeof(float);
            PackRows(lines, (byte*)arguments.Input + (token * stride), stride, tokens, width, Product._input, Product._paddedTokens, token);
            for (var stretch = 0; stretch < lines.Stretches; stretch++)
            {
                var tile = (float*)(Product._input + lines.Place(stretch, token, Product._paddedTokens));
                for (var i = 0; i < lines.LinesOf(stretch) * (width / Side); i++) TileTransposition.Run(tile + (i * Side * Side));
            }
        }
    }
}
