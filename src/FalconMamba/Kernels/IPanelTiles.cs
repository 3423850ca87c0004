using FalconMamba.Formats;
using FalconMamba.Kernels.Assembled;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>
/// Some tokens cut into tiles that differ by a token at most, and how those fill a <see cref="WeightPanel"/> and are multiplied
/// with it: assembled (<see cref="Tiling"/>) or by intrinsics (<see cref="RowTiling{T, TRows}"/>).
/// </summary>
internal unsafe interface IPanelTiles<TSelf> where TSelf : struct, IPanelTiles<TSelf>
{
    /// <summary>From how many tokens on there are tiles.</summary>
    static abstract int LeastTokens { get; }

    /// <summary>Whether the processor and the system allow all of its kernels.</summary>
    bool Exists { get; }

    /// <summary>The tiles of so many tokens.</summary>
    /// <param name="type">The weights' block format.</param>
    /// <param name="tokens">The tokens, at least <see cref="LeastTokens"/>.</param>
    static abstract TSelf Of(TensorType type, int tokens);

    /// <summary>Fills a panel.</summary>
    /// <param name="blocks">The first block of the first row.</param>
    /// <param name="rowBlocks">The blocks of a row.</param>
    /// <param name="rows">How many rows there are, at least one.</param>
    /// <param name="count">How many blocks of a row are taken: one of 256, or up to eight of 32.</param>
    /// <param name="panel">Room for <see cref="WeightPanel.Bytes"/>.</param>
    static abstract void Fill<TFormat>(TFormat* blocks, int rowBlocks, int rows, int count, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>;

    /// <summary>Multiplies a panel with all tokens; the first tile asks for the weights to come.</summary>
    /// <param name="rows">How many of its rows there are.</param>
    /// <param name="arguments">The panel and the first token; all but the number of tiles.</param>
    void Multiply<TFormat>(int rows, TileKernelArguments arguments) where TFormat : unmanaged, IBlockFormat<TFormat>;
}
