using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FalconMamba.Kernels.Assembled;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>
/// Matrix × matrix over block weights and activations of eight bits: 32 rows and 256 columns of the weights are unpacked, and
/// all tokens pass them, a few at a time. Each output is the same chain as in <see cref="BlockProduct{TBytes, TPair, TFormat}"/>.
/// </summary>
internal unsafe struct TiledBlockProduct<TFormat> : IBlockJob where TFormat : unmanaged, IBlockFormat<TFormat>
{
    // What lies on the stack: a number for each row of a panel and each token.
    private const int MostTokens = 256;

    private MatrixProductArguments _arguments;
    private Ranges _ranges;
    private byte* _records;
    private int _blocks;

    /// <summary>Whether this is the way to multiply so many tokens.</summary>
    public static bool Suits(int tokens) => tokens >= TileKernel.LeastTokens && TileKernel.Find(TFormat.Type, TileKernel.LeastTokens) is not null;

    /// <summary>Runs the product; the input of <paramref name="arguments"/> is not read.</summary>
    /// <param name="arguments">The weights, and where the result goes.</param>
    /// <param name="activations">X.</param>
    /// <param name="scratch">Room for X as tiles read it.</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    public static void Run(in MatrixProductArguments arguments, in QuantizedRows activations, QuantizedActivations scratch, ComputePool pool, int threads)
    {
        var records = scratch.Arranged(arguments.Tokens, TileActivations.ByteLength(arguments.Columns));
        TileActivations.Arrange(in activations, arguments.Tokens, TFormat.Offset, TFormat.HasMinimum, records, pool, threads);
        var blocks = arguments.Columns / TFormat.Length;
        var job = new TiledBlockProduct<TFormat>
        {
            _arguments = arguments,
            _ranges = new Ranges(arguments.Rows, (long)blocks * sizeof(TFormat), threads),
            _records = records,
            _blocks = blocks,
        };
        pool.Run(ref job, job._ranges.Count, threads);
    }

    [SkipLocalsInit]
    public readonly void Run(int block)
    {
        var (first, end) = _ranges[block];
        var sums = stackalloc float[(MostTokens * WeightPanel.Rows) + 16];
        var panel = stackalloc byte[WeightPanel.Bytes + (2 * TileKernel.MostTokens * 64) + 64];
        sums = (float*)(((nuint)sums + 63) & ~(nuint)63);
        panel = (byte*)(((nuint)panel + 63) & ~(nuint)63);
        // Rounds of equal length, so that none is left with less than a tile.
        var rounds = (_arguments.Tokens + MostTokens - 1) / MostTokens;
        for (var row = first; row < end; row += WeightPanel.Rows)
        {
            var rows = Math.Min(WeightPanel.Rows, end - row);
            for (int round = 0, token = 0; round < rounds; round++)
            {
                var tokens = (_arguments.Tokens - token) / (rounds - round);
                Multiply(row, rows, token, tokens, panel, sums);
                Put(row, rows, token, tokens, sums);
                token += tokens;
            }
        }
    }

    private readonly void Multiply(int row, int rows, int token, int tokens, byte* panel, float* sums)
    {
        new Span<float>(sums, tokens * WeightPanel.Rows).Clear();
        var weights = (TFormat*)_arguments.Weights + ((nint)row * _blocks);
        var tiles = (tokens + TileKernel.MostTokens - 1) / TileKernel.MostTokens;
        int least = tokens / tiles, longer = tokens % tiles, rest = tiles - Math.Max(1, longer);
        var records = TileActivations.Records(_arguments.Columns);
        var blocksOfRecord = WeightPanel.Columns / TFormat.Length;
        var scales = (float*)(_records + ((nint)records * _arguments.Tokens * TileActivations.RecordBytes));
        var first = TileKernel.Find(TFormat.Type, longer > 0 ? least + 1 : least, asks: true);
        var longerTile = longer > 1 ? TileKernel.Find(TFormat.Type, least + 1) : null;
        var tile = rest > 0 ? TileKernel.Find(TFormat.Type, least) : null;
        // The rows of the next panel follow those of this one: the first tile asks for a part of them each time, in reading order.
        var share = (nint)blocksOfRecord * sizeof(TFormat) * rows;
        var ahead = (byte*)(weights + ((nint)_blocks * rows));
        for (var i = 0; i < records; i++)
        {
            var count = Math.Min(blocksOfRecord, _blocks - (i * blocksOfRecord));
            WeightPanel.Fill(weights + (i * blocksOfRecord), _blocks, rows, count, panel);
            var place = ((nint)i * _arguments.Tokens) + token;
            var arguments = new TileKernelArguments
            {
                Panel = panel,
                Records = _records + (place * TileActivations.RecordBytes),
                Scales = scales + place,
                Sums = sums,
                Scratch = (float*)(panel + WeightPanel.Bytes),
                Groups = blocksOfRecord == 1 ? WeightPanel.Columns / ActivationQuantizer.Group : count,
                Ahead = ahead + (i * share),
            };
            Send(first, ref arguments, longer > 0 ? least + 1 : least, 1);
            if (longer > 1) Send(longerTile, ref arguments, least + 1, longer - 1);
            if (rest > 0) Send(tile, ref arguments, least, rest);
        }
    }

    // Some tiles of equal length; the arguments go on behind them.
    private static void Send(delegate* unmanaged[Cdecl]<void*, void> tile, ref TileKernelArguments arguments, int tokens, int tiles)
    {
        arguments.Tiles = tiles;
        tile(Unsafe.AsPointer(ref arguments));
        arguments.Records += (nint)tiles * tokens * TileActivations.RecordBytes;
        arguments.Scales += tiles * tokens;
        arguments.Sums += tiles * tokens * WeightPanel.Rows;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Put(int row, int rows, int token, int tokens, float* sums)
    {
        if (rows < WeightPanel.Rows)
        {
            for (var t = 0; t < tokens; t++)
                for (var r = 0; r < rows; r++) _arguments.Put(row + r, token + t, sums[(t * WeightPanel.Rows) + r]);
            return;
        }

        for (var t = 0; t < tokens; t++)
        {
            var y = _arguments.Output + ((nint)(token + t) * _arguments.OutputStride) + row;
            for (var r = 0; r < WeightPanel.Rows; r += Vector512<float>.Count)
            {
                var sum = Vector512.Load(sums + (t * WeightPanel.Rows) + r);
                if (_arguments.Bias is not null) sum += Vector512.Load(_arguments.Bias + row + r);
                if (_arguments.Accumulate) sum = Vector512.Load(y + r) + sum;
                sum.Store(y + r);
            }
        }
    }
}
