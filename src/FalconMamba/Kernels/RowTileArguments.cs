namespace FalconMamba.Kernels;

/// <summary>What a <see cref="RowTile{T, TRows, TFormat, TTokens}"/> multiplies.</summary>
internal unsafe struct RowTileArguments
{
    /// <summary>32 rows times 256 columns, as <see cref="WeightPanel"/> describes them.</summary>
    public byte* Panel;

    /// <summary>The first token's record for these columns: see <see cref="TileActivations"/>.</summary>
    public byte* Records;

    /// <summary>The first token's scale, for blocks of 256.</summary>
    public float* Scales;

    /// <summary>The first token's 32 sums, which the products are added to.</summary>
    public float* Sums;

    /// <summary>The columns over 32, one to eight.</summary>
    public int Groups;

    /// <summary>Weights that a later panel takes.</summary>
    public byte* Ahead;
}
