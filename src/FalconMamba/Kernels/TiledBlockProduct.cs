using System.Runtime.CompilerServices;
using FalconMamba.Kernels.Lanes;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>
/// Matrix × matrix over block weights and activations of eight bits: 32 rows and 256 columns of the weights are unpacked, and
/// all tokens pass them, a few at a time, by intrinsics. Each output is the same chain as in <see cref="BlockProduct{TBytes, TPair, TFormat}"/>.
/// </summary>
internal unsafe struct TiledBlockProduct<T, TRows, TFormat> : IBlockJob
    where T : unmanaged, ILanes<T>
    where TRows : unmanaged, IRowLanes<TRows, T>
    where TFormat : unmanaged, IBlockFormat<TFormat>
{
    // What lies on the stack: a number for each row of a panel and each token.
    private const int MostTokens = 256;

    private MatrixProductArguments _arguments;
    private Ranges _ranges;
    private byte* _records;
    private int _blocks, _rounds;
    private RowTiling<T, TRows> _tiles, _tilesOfLongerRound;

    /// <summary>Runs the product, if there are tiles for so many tokens; the input of <paramref name="arguments"/> is not read.</summary>
    /// <param name="arguments">The weights, and where the result goes.</param>
    /// <param name="activations">X.</param>
    /// <param name="scratch">Room for X as tiles read it.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    /// <returns>Whether it ran.</returns>
    public static bool TryRun(in MatrixProductArguments arguments, in QuantizedRows activations, QuantizedActivations scratch, ComputePool pool, int threads)
    {
        if (arguments.Tokens < RowTiling<T, TRows>.LeastTokens) return false;
        // Rounds that differ by a token at most, so that none is left with less than a tile.
        var rounds = (arguments.Tokens + MostTokens - 1) / MostTokens;
        var shorter = arguments.Tokens / rounds;
        var blocks = arguments.Columns / TFormat.Length;
        var job = new TiledBlockProduct<T, TRows, TFormat>
        {
            _arguments = arguments,
            _ranges = new Ranges(arguments.Rows, (long)blocks * sizeof(TFormat), threads),
            _records = scratch.Arranged(arguments.Tokens, TileActivations.ByteLength(arguments.Columns)),
            _blocks = blocks,
            _rounds = rounds,
            _tiles = new(shorter),
            _tilesOfLongerRound = new(arguments.Tokens % rounds > 0 ? shorter + 1 : shorter),
        };
        TileActivations.Arrange(in activations, arguments.Tokens, TFormat.Offset, TFormat.HasMinimum, job._records, pool, threads);
        pool.Run(ref job, job._ranges.Count, threads);
        return true;
    }

    [SkipLocalsInit]
    public readonly void Run(int block)
    {
        var (first, end) = _ranges[block];
        var sums = stackalloc float[(MostTokens * WeightPanel.Rows) + 16];
        var panel = stackalloc byte[WeightPanel.Bytes + 64];
        sums = (float*)(((nuint)sums + 63) & ~(nuint)63);
        panel = (byte*)(((nuint)panel + 63) & ~(nuint)63);
        for (var row = first; row < end; row += WeightPanel.Rows)
        {
            var rows = Math.Min(WeightPanel.Rows, end - row);
            for (int round = 0, token = 0; round < _rounds; round++)
            {
                var tokens = (_arguments.Tokens - token) / (_rounds - round);
                Multiply(row, rows, token, tokens, panel, sums);
                for (var t = 0; t < tokens; t++) _arguments.Put(row, rows, token + t, sums + (t * WeightPanel.Rows));
                token += tokens;
            }
        }
    }

    private readonly void Multiply(int row, int rows, int token, int tokens, byte* panel, float* sums)
    {
        new Span<float>(sums, tokens * WeightPanel.Rows).Clear();
        var weights = (TFormat*)_arguments.Weights + ((nint)row * _blocks);
        var records = TileActivations.Records(_arguments.Columns);
        var blocksOfRecord = WeightPanel.Columns / TFormat.Length;
        var scales = (float*)(_records + ((nint)records * _arguments.Tokens * TileActivations.RecordBytes));
        ref readonly var tiles = ref tokens > _arguments.Tokens / _rounds ? ref _tilesOfLongerRound : ref _tiles;
        // The rows of the next panel follow those of this one: the first tile asks for a part of them each time, in reading order.
        var share = (nint)blocksOfRecord * sizeof(TFormat) * rows;
        var ahead = (byte*)(weights + ((nint)_blocks * rows));
        for (var i = 0; i < records; i++)
        {
            var count = Math.Min(blocksOfRecord, _blocks - (i * blocksOfRecord));
            PanelRows<T, TRows>.Fill(weights + (i * blocksOfRecord), _blocks, rows, count, panel);
            var place = ((nint)i * _arguments.Tokens) + token;
            tiles.Multiply<TFormat>(rows, new RowTileArguments
            {
                Panel = panel,
                Records = _records + (place * TileActivations.RecordBytes),
                Scales = scales + place,
                Sums = sums,
                Groups = blocksOfRecord == 1 ? WeightPanel.Columns / ActivationQuantizer.Group : count,
                Ahead = ahead + (i * share),
            });
        }
    }
}
