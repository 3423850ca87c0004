namespace FalconMamba.Kernels.Assembled;

/// <summary>What a <see cref="FewTokensKernel"/> reads at its only pointer; the order is the code's.</summary>
internal unsafe struct FewTokensArguments
{
    /// <summary>The first of eight times <see cref="Groups"/> rows.</summary>
    public byte* Weights;

    /// <summary>The bytes of a row.</summary>
    public long RowBytes;

    /// <summary>The tokens' activations, as <see cref="FewTokensActivations"/> lays them out.</summary>
    public byte* Activations;

    /// <summary>Y [tokens, rows], tokens <see cref="OutputStride"/> apart.</summary>
    public float* Output;

    /// <summary>The bytes from one token's numbers to the next one's.</summary>
    public long OutputStride;

    /// <summary>Room for <see cref="FewTokensKernel.ScratchBytes"/>, at a multiple of 64.</summary>
    public byte* Scratch;

    /// <summary>How often eight rows are taken, at least once.</summary>
    public long Groups;

    /// <summary>The blocks of a row, at least one.</summary>
    public long Blocks;
}
