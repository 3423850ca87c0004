using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FalconMamba.Kernels.Assembled;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>
/// Matrix × matrix over block weights and activations of eight bits, assembled: a block of some rows is unpacked into a panel,
/// which stays in the first-level cache, and all tokens pass it, up to eight at a time. Each output is the same chain as in
/// <see cref="BlockProduct{TBytes, TPair, TFormat}"/>.
/// </summary>
internal unsafe struct ManyTokensProduct<TFormat> : IBlockJob where TFormat : unmanaged, IBlockFormat<TFormat>
{
    private const int Rows = FewTokensKernel.MostGroups * FewTokensKernel.Rows;

    // What lies on the stack: a number for each row of a panel and each token of a round, in whole tiles.
    private const int MostTokens = 256, VectorFloats = 16, Alignment = 64;

    private MatrixProductArguments _arguments;
    private Ranges _ranges;
    private FewTokensActivations _layout;
    private byte* _activations;
    private delegate* unmanaged[Cdecl]<void*, void> _fill, _firstTile, _longerTile, _tile;
    private int _blocks, _panels, _tiles, _longer, _length;

    private static int MostLength => FewTokensKernel.MostTokensOfTile(TFormat.Type);

    private static int MostTiles => MostTokens / MostLength;

    private readonly nint PanelBytes => PlaceOf(_tiles);

    /// <summary>Runs the product, if there is a kernel for it; the input of <paramref name="arguments"/> is not read.</summary>
    /// <param name="arguments">The weights, a multiple of eight rows, and where the result goes; several tokens.</param>
    /// <param name="activations">X.</param>
    /// <param name="scratch">Room for X as kernels read it.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    /// <returns>Whether it ran.</returns>
    public static bool TryRun(in MatrixProductArguments arguments, in QuantizedRows activations, QuantizedActivations scratch, ComputePool pool, int threads)
    {
        // Tiles that differ by a token at most, the longer ones first.
        var tiles = (arguments.Tokens + MostLength - 1) / MostLength;
        var (length, longer) = Math.DivRem(arguments.Tokens, tiles);
        var blocks = arguments.Columns / TFormat.Length;
        var layout = FewTokensActivations.Of(TFormat.Type, isOfPanels: true);
        var job = new ManyTokensProduct<TFormat>
        {
            _arguments = arguments,
            _ranges = new Ranges(arguments.Rows, (long)blocks * sizeof(TFormat), threads),
            _layout = layout,
            _fill = FewTokensKernel.Find(TFormat.Type, MostLength, FewTokensTask.Fill),
            _firstTile = FewTokensKernel.Find(TFormat.Type, longer > 0 ? length + 1 : length, FewTokensTask.TileAndAsk),
            _longerTile = longer > 0 ? FewTokensKernel.Find(TFormat.Type, length + 1, FewTokensTask.Tile) : null,
            _tile = FewTokensKernel.Find(TFormat.Type, length, FewTokensTask.Tile),
            _blocks = blocks,
            _panels = (blocks + layout.PanelBlocks - 1) / layout.PanelBlocks,
            _tiles = tiles,
            _longer = longer,
            _length = length,
        };
        if (job._fill is null || job._firstTile is null || job._tile is null || (longer > 0 && job._longerTile is null)) return false;
        job._activations = scratch.Arranged(1, checked((int)(job._panels * job.PanelBytes)));
        var arrangement = new Arrangement { Product = job, X = activations };
        pool.Run(ref arrangement, job._panels, ComputePool.ThreadsFor((long)arguments.Tokens * arguments.Columns, threads));
        pool.Run(ref job, job._ranges.Count, threads);
        return true;
    }

    [SkipLocalsInit]
    public readonly void Run(int block)
    {
        var (first, end) = _ranges[block];
        var sums = stackalloc float[(MostTokens * Rows) + (Alignment / sizeof(float))];
        var panel = stackalloc byte[(FewTokensKernel.MostGroups * FewTokensKernel.ScratchBytes) + Alignment];
        sums = (float*)(((nuint)sums + Alignment - 1) & ~(nuint)(Alignment - 1));
        panel = (byte*)(((nuint)panel + Alignment - 1) & ~(nuint)(Alignment - 1));
        var rounds = (_tiles + MostTiles - 1) / MostTiles;
        for (var row = first; row < end; row += Rows)
        {
            var groups = Math.Min(Rows, end - row) / FewTokensKernel.Rows;
            for (var round = 0; round < rounds; round++)
            {
                int tile = _tiles * round / rounds, tiles = (_tiles * (round + 1) / rounds) - tile;
                Multiply(row, groups, tile, tiles, panel, sums);
                Put(row, groups, tile, tiles, sums);
            }
        }
    }

    private readonly void Multiply(int row, int groups, int tile, int tiles, byte* panel, float* sums)
    {
        new Span<float>(sums, tiles * SumsOf(MostLength, groups)).Clear();
        var rowBytes = (nint)_blocks * sizeof(TFormat);
        var weights = _arguments.Weights + (row * rowBytes);
        // The first tile of all asks for the next panel's rows, in reading order.
        var ahead = weights + (groups * FewTokensKernel.Rows * rowBytes);
        var tokens = FirstOf(tile + tiles) - FirstOf(tile);
        var arguments = new FewTokensTileArguments { RowBytes = rowBytes, Panel = panel, Groups = groups };
        for (var i = 0; i < _panels; i++)
        {
            var block = i * _layout.PanelBlocks;
            arguments.Blocks = Math.Min(_layout.PanelBlocks, _blocks - block);
            arguments.Weights = weights + (block * sizeof(TFormat));
            arguments.Activations = _activations + (i * PanelBytes) + PlaceOf(tile);
            arguments.Sums = sums;
            arguments.Ahead = ahead + (block * groups * FewTokensKernel.Rows * sizeof(TFormat));
            _fill(&arguments);
            AskForOutput(row, groups, FirstOf(tile) + (i * tokens / _panels), FirstOf(tile) + ((i + 1) * tokens / _panels));
            var (longer, first) = (Math.Clamp(_longer - tile, 0, tiles), tile == 0 ? 1 : 0);
            if (first > 0) Send(_firstTile, ref arguments, LengthOf(0), 1);
            if (longer > first) Send(_longerTile, ref arguments, _length + 1, longer - first);
            var rest = tiles - Math.Max(longer, first);
            if (rest > 0) Send(_tile, ref arguments, _length, rest);
        }
    }

    // Some tiles of equal length; the arguments go on behind them.
    private readonly void Send(delegate* unmanaged[Cdecl]<void*, void> kernel, ref FewTokensTileArguments arguments, int length, int tiles)
    {
        arguments.Tiles = tiles;
        fixed (FewTokensTileArguments* pointer = &arguments) kernel(pointer);
        arguments.Activations += (nint)tiles * _layout.PanelBytes(length);
        arguments.Sums += tiles * SumsOf(length, (int)arguments.Groups);
    }

    // Two tokens' numbers of eight rows lie side by side.
    [SkipLocalsInit]
    private readonly void Put(int row, int groups, int tile, int tiles, float* sums)
    {
        var numbers = stackalloc float[FewTokensKernel.MostTokens * Rows];
        var order = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
        for (var end = tile + tiles; tile < end; tile++)
        {
            var length = LengthOf(tile);
            for (var group = 0; group < groups; group++)
                for (var token = 0; token < length; token += 2, sums += VectorFloats)
                {
                    var two = Avx512F.PermuteVar16x32(Vector512.Load(sums), order);
                    var place = numbers + (token * Rows) + (group * FewTokensKernel.Rows);
                    two.GetLower().Store(place);
                    two.GetUpper().Store(place + Rows);
                }

            var first = FirstOf(tile);
            for (var token = 0; token < length; token++) _arguments.Put(row, groups * FewTokensKernel.Rows, first + token, numbers + (token * Rows));
        }
    }

    // Little by little: a token's numbers lie in a page of their own.
    private readonly void AskForOutput(int row, int groups, int token, int end)
    {
        for (; token < end; token++)
        {
            var y = _arguments.Output + ((nint)token * _arguments.OutputStride) + row;
            for (var i = 0; i < groups * FewTokensKernel.Rows; i += VectorFloats) Sse.Prefetch1(y + i);
        }
    }

    private static int SumsOf(int length, int groups) => (length + 1) / 2 * groups * VectorFloats;

    private readonly int LengthOf(int tile) => tile < _longer ? _length + 1 : _length;

    private readonly int FirstOf(int tile) => (tile * _length) + Math.Min(tile, _longer);

    // Where in a panel's activations a tile begins.
    private readonly nint PlaceOf(int tile)
    {
        var longer = Math.Min(tile, _longer);
        return ((nint)longer * _layout.PanelBytes(_length + 1)) + ((nint)(tile - longer) * _layout.PanelBytes(_length));
    }

    private struct Arrangement : IBlockJob
    {
        public ManyTokensProduct<TFormat> Product;
        public QuantizedRows X;

        public readonly void Run(int panel)
        {
            var blocks = Product._layout.PanelBlocks;
            var (first, end) = (panel * blocks, Math.Min(Product._blocks, (panel + 1) * blocks));
            for (int tile = 0, token = 0; tile < Product._tiles; tile++)
            {
                var length = Product.LengthOf(tile);
                Product._layout.Arrange(X.From(token), length, first, end, Product._activations + (panel * Product.PanelBytes) + Product.PlaceOf(tile));
                token += length;
            }
        }
    }
}
