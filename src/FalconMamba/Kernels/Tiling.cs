using FalconMamba.Formats;
using FalconMamba.Kernels.Assembled;

namespace FalconMamba.Kernels;

/// <summary>Some tokens cut into tiles that differ by a token at most, the longer ones first, and the kernels of each.</summary>
internal readonly unsafe struct Tiling
{
    private readonly int _length, _longer, _rest;
    private readonly delegate* unmanaged[Cdecl]<void*, void> _first, _longerTile, _tile;

    /// <summary>Finds the tiles of so many tokens, at least <see cref="TileKernel.LeastTokens"/>.</summary>
    /// <param name="type">The weights' block format.</param>
    /// <param name="tokens">The tokens.</param>
    public Tiling(TensorType type, int tokens)
    {
        var tiles = (tokens + TileKernel.MostTokens - 1) / TileKernel.MostTokens;
        _length = tokens / tiles;
        _longer = tokens % tiles;
        _rest = tiles - Math.Max(1, _longer);
        _first = TileKernel.Find(type, FirstLength, asks: true);
        _longerTile = _longer > 1 ? TileKernel.Find(type, _length + 1) : _first;
        _tile = _rest > 0 ? TileKernel.Find(type, _length) : _first;
    }

    /// <summary>Whether the processor and the system allow all of its kernels.</summary>
    public bool Exists => _first is not null && _longerTile is not null && _tile is not null;

    private int FirstLength => _longer > 0 ? _length + 1 : _length;

    /// <summary>Multiplies a panel with all tokens; the first tile asks for the weights to come.</summary>
    /// <param name="arguments">The panel and the first token; all but the number of tiles.</param>
    public void Multiply(TileKernelArguments arguments)
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
