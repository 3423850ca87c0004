namespace FalconMamba.Kernels.Assembled;

/// <summary>What a <see cref="FewTokensKernel"/> of panels reads at its only pointer; the order is the code's.</summary>
internal unsafe struct FewTokensTileArguments
{
    /// <summary>The block of the first row that fills the panel.</summary>
    public byte* Weights;

    /// <summary>The bytes of a row.</summary>
    public long RowBytes;

    /// <summary>Room for <see cref="FewTokensKernel.ScratchBytes"/> a group, at a multiple of 64.</summary>
    public byte* Panel;

    /// <summary>How often eight rows, one to <see cref="FewTokensKernel.MostGroups"/>.</summary>
    public long Groups;

    /// <summary>The first tile's activations, as <see cref="FewTokensActivations"/> lays out a panel's blocks; the other tiles' follow.</summary>
    public byte* Activations;

    /// <summary>What the products are added to, [tiles, groups, pairs of tokens, 8 rows, 2 tokens], at a multiple of 64.</summary>
    public float* Sums;

    /// <summary>How many tiles, at least one.</summary>
    public long Tiles;

    /// <summary>The weights that <see cref="FewTokensTask.TileAndAsk"/> asks for.</summary>
    public byte* Ahead;

    /// <summary>The blocks of a row in the panel, at least one: more only where they are short.</summary>
    public long Blocks;
}
