namespace FalconMamba.Kernels.Assembled;

/// <summary>What an assembled product of float weights with one token reads at its only pointer; the order is the code's.</summary>
internal unsafe struct FloatKernelArguments
{
    /// <summary>The first row.</summary>
    public byte* Weights;

    /// <summary>The token's activations: float32, or bfloat16 where the kernel multiplies pairs.</summary>
    public void* Input;

    /// <summary>A number for each row.</summary>
    public float* Output;

    /// <summary>How often <see cref="FloatKernel.RowsAtOnce"/> rows are taken, at least once.</summary>
    public long Groups;

    /// <summary>The columns of a row, which fill whole lines of 64 bytes.</summary>
    public long Columns;
}
