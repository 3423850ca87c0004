namespace FalconMamba.Kernels.Assembled;

/// <summary>What a <see cref="FewTokensKernel"/> does.</summary>
internal enum FewTokensTask
{
    /// <summary>Unpacks rows as they come and multiplies each block at once: <see cref="FewTokensArguments"/>.</summary>
    Stream,

    /// <summary>Unpacks a block of some rows into a panel: <see cref="FewTokensTileArguments"/>, as all that follow.</summary>
    Fill,

    /// <summary>Multiplies a panel with some tiles of tokens.</summary>
    Tile,

    /// <summary>The same, and asks for later weights meanwhile, as many a tile as a panel takes.</summary>
    TileAndAsk,
}
