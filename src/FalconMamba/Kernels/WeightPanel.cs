namespace FalconMamba.Kernels;

/// <summary>
/// 32 rows times 256 columns of block weights as tiles read them: rows fill the lanes, so that a product with many tokens has
/// no sums across lanes. It is made once for all tokens and stays in the first-level cache.
/// </summary>
/// <remarks>
/// Two registers of sixteen rows lie side by side everywhere. Codes [64, 2, 16 rows, 4 columns], unsigned. Blocks of 256: group
/// scales as integers [8 or 16, 2, 16]; for each 32 columns a pair of words [8, 2, 16], twice the minimum or both scales; d
/// [2, 16]; dmin [2, 16]. Blocks of 32: d [8, 2, 16]; m [8, 2, 16].
/// </remarks>
internal static class WeightPanel
{
    /// <summary>The rows and columns of a panel.</summary>
    public const int Rows = 32, Columns = 256;

    /// <summary>Where the parts are, in bytes; those of blocks of 32 columns begin at <see cref="Scales"/>.</summary>
    public const int Scales = Rows * Columns, Pairs = Scales + (16 * RowBytes), Heads = Pairs + (8 * RowBytes);

    /// <summary>The bytes of 32 numbers, and those of a panel.</summary>
    public const int RowBytes = Rows * sizeof(float), Bytes = Heads + (2 * RowBytes);
}
