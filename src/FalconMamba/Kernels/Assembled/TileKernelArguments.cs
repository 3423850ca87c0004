namespace FalconMamba.Kernels.Assembled;

/// <summary>What an assembled tile of block weights with many tokens reads at its only pointer; the order is the code's.</summary>
internal unsafe struct TileKernelArguments
{
    /// <summary>32 rows times 256 columns, as <see cref="WeightPanel"/> lays them out.</summary>
    public byte* Panel;

    /// <summary>The first token's record for these columns: see <see cref="TileActivations"/>.</summary>
    public byte* Records;

    /// <summary>The first token's scale, for blocks of 256.</summary>
    public float* Scales;

    /// <summary>The first token's 32 sums, which the products are added to.</summary>
    public float* Sums;

    /// <summary>Room for two registers a token of a tile.</summary>
    public float* Scratch;

    /// <summary>How many tiles follow one another, at least one.</summary>
    public long Tiles;

    /// <summary>The columns over 32, one to eight.</summary>
    public long Groups;

    /// <summary>Weights that a later panel takes, for a kernel that asks for them.</summary>
    public byte* Ahead;
}
