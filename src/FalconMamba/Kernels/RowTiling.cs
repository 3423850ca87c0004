using FalconMamba.Kernels.Lanes;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>Some tokens cut into tiles that differ by a token at most, the longer ones first.</summary>
internal readonly unsafe struct RowTiling<T, TRows>
    where T : unmanaged, ILanes<T>
    where TRows : unmanaged, IRowLanes<TRows, T>
{
    private const int Lanes = 16, MostTokens = 4, LineBytes = 64;

    private readonly int _length, _longer, _tiles;

    /// <summary>The tiles of so many tokens, at least <see cref="LeastTokens"/>.</summary>
    public RowTiling(int tokens)
    {
        _tiles = (tokens + MostTokens - 1) / MostTokens;
        _length = tokens / _tiles;
        _longer = tokens % _tiles;
    }

    /// <summary>From how many tokens on there are tiles. Measured: fewer do not pay for a panel.</summary>
    public static int LeastTokens => 4;

    /// <summary>Multiplies a panel with all tokens; the first tile asks for the weights to come.</summary>
    /// <param name="rows">How many of its rows there are.</param>
    /// <param name="arguments">The panel and the first token.</param>
    public void Multiply<TFormat>(int rows, RowTileArguments arguments) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        // A group's share of the next panel's lines.
        var lines = ((rows * ActivationQuantizer.Group / TFormat.Length * sizeof(TFormat)) + LineBytes - 1) / LineBytes;
        for (var tile = 0; tile < _tiles; tile++)
        {
            var tokens = tile < _longer ? _length + 1 : _length;
            for (var row = 0; row < rows; row += Lanes)
            {
                Send<TFormat>(tokens, arguments with { Panel = arguments.Panel + (row * sizeof(int)), Sums = arguments.Sums + row }, lines);
                lines = 0;
            }

            arguments.Records += tokens * TileActivations.RecordBytes;
            arguments.Scales += tokens;
            arguments.Sums += tokens * WeightPanel.Rows;
        }
    }

    private static void Send<TFormat>(int tokens, in RowTileArguments arguments, int lines) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        switch (tokens)
        {
            case 2: RowTile<T, TRows, TFormat, TwoTokens>.Multiply(in arguments, lines); break;
            case 3: RowTile<T, TRows, TFormat, ThreeTokens>.Multiply(in arguments, lines); break;
            default: RowTile<T, TRows, TFormat, FourTokens>.Multiply(in arguments, lines); break;
        }
    }
}
