using FalconMamba.Formats;
using FalconMamba.Kernels.Assembled;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>Tiles of assembled kernels, the longer ones first.</summary>
internal readonly unsafe struct Tiling : IPanelTiles<Tiling>
{
    private readonly int _length, _longer, _rest;
    private readonly delegate* unmanaged[Cdecl]<void*, void> _first, _longerTile, _tile;

    private Tiling(TensorType type, int tokens)
    {
        var tiles = (tokens + TileKernel.MostTokens - 1) / TileKernel.MostTokens;
        _length = tokens / tiles;
        _longer = tokens % tiles;
        _rest = tiles - Math.Max(1, _longer);
        _first = TileKernel.Find(type, FirstLength, asks: true);
        _longerTile = _longer > 1 ? TileKernel.Find(type, _length + 1) : _first;
        _tile = _rest > 0 ? TileKernel.Find(type, _length) : _first;
    }

    public static int LeastTokens => TileKernel.LeastTokens;

    public bool Exists => _first is not null && _longerTile is not null && _tile is not null;

    private int FirstLength => _longer > 0 ? _length + 1 : _length;

    public static Tiling Of(TensorType type, int tokens) => new(type, tokens);

    public static void Fill<TFormat>(TFormat* blocks, int rowBlocks, int rows, int count, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat> =>
        WeightPanel.Fill(blocks, rowBlocks, rows, count, panel);

    public void Multiply<TFormat>(int rows, TileKernelArguments arguments) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        Send(_first, ref arguments, FirstLength, 1);
        if (_longer > 1) Send(_longerTile, ref arguments, _length + 1, _longer - 1);
        if (_rest > 0) Send(_tile, ref arguments, _length, _rest);
    }

    // Some tiles of equal length; the arguments go on behind them.
    private static void Send(delegate* unmanaged[Cdecl]<void*, void> tile, ref TileKernelArguments arguments, int tokens, int tiles)
    {
        arguments.Tiles = tiles;
        fixed (TileKernelArguments* pointer = &arguments) tile(pointer);
        arguments.Records += (nint)tiles * tokens * TileActivations.RecordBytes;
        arguments.Scales += tiles * tokens;
        arguments.Sums += tiles * tokens * WeightPanel.Rows;
    }
}
