namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// What an assembled tile reads at its only pointer; the order is the code's, which moves the pointers on as it goes. A step
/// is one register of a row's or token's columns; strides, steps and jumps are in bytes.
/// </summary>
internal unsafe struct FloatTileArguments
{
    /// <summary>The first tile's first row; from a row to the next, from a step to the next, from a tile to the next.</summary>
    public byte* Weights;
    public long WeightStride, WeightStep, WeightJump;

    /// <summary>The first tile's first token, and the same distances.</summary>
    public byte* Input;
    public long InputStride, InputStep, InputJump;

    /// <summary>Steps of a tile, and tiles; at least one.</summary>
    public long Steps, Tiles;

    /// <summary>The sixteen sums of each output of each tile, for those that go on from them or stop before the end.</summary>
    public float* Partials;

    /// <summary>Whether the sums go on from <see cref="Partials"/>, else from zero.</summary>
    public long Continue;

    /// <summary>Whether the sums stop at <see cref="Partials"/>, else they are added up into <see cref="Output"/>.</summary>
    public long Pause;

    /// <summary>The first tile's outputs: a row of numbers for each token; from a token to the next, from a tile to the next.</summary>
    public float* Output;
    public long OutputStride, OutputJump;

    /// <summary>
    /// What is wanted next: places in rows, which move as those of the weights do, or lines that follow one another.
    /// </summary>
    public byte* Ahead;
}
