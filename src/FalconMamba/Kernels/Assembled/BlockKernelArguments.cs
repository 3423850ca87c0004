namespace FalconMamba.Kernels.Assembled;

/// <summary>What an assembled product of block weights with one token reads at its only pointer; the order is the code's.</summary>
internal unsafe struct BlockKernelArguments
{
    /// <summary>The first of eight times <see cref="Groups"/> rows.</summary>
    public byte* Weights;

    /// <summary>The token's activations, as <see cref="ArrangedActivations"/> lays them out.</summary>
    public byte* Activations;

    /// <summary>The token's scales.</summary>
    public float* Scales;

    /// <summary>A number for each row; eight before them are lost.</summary>
    public float* Output;

    /// <summary>Room for the values of twice eight rows' blocks.</summary>
    public float* Values;

    /// <summary>How often eight rows are taken, at least once.</summary>
    public long Groups;

    /// <summary>The blocks of a row, at least one.</summary>
    public long Blocks;

    /// <summary>After how many batches of eight blocks the activations begin anew: those of a row, or of several that follow one another there.</summary>
    public long ActivationBatches;
}
