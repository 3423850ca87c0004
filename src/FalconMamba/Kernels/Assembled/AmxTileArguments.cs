namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// What <see cref="AmxTileKernel"/> reads at its only pointer; the order is the code's. Everything lies in tiles of sixteen
/// lines of 64 bytes, one behind the other.
/// </summary>
internal unsafe struct AmxTileArguments
{
    /// <summary>Thirty-two rows: for each step a tile of the first sixteen and one of the others, a line of 32 bfloat16 a row.</summary>
    public byte* Weights;

    /// <summary>
    /// The tokens of one block behind those of the other: for each step a tile for every sixteen tokens, its lines pairs of
    /// columns, with a pair of each token in a line.
    /// </summary>
    public byte* Input;

    /// <summary>The sums of one block behind those of the other: a tile for every sixteen rows and tokens, tokens in the lines.</summary>
    public float* Sums;

    /// <summary>Steps of 32 columns, and blocks of tokens; at least one.</summary>
    public long Steps, Blocks;

    /// <summary>Whether the sums go on from those in <see cref="Sums"/>, else from zero.</summary>
    public long Continue;

    /// <summary>What is wanted next: a step asks for the following <see cref="AmxTileKernel.LinesAhead"/> lines.</summary>
    public byte* Ahead;
}
