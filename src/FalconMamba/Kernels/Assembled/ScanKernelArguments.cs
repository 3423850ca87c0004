namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// What an assembled scan reads at its only pointer; the order is the code's. That of one token goes over channels and reads
/// neither strides nor columns.
/// </summary>
internal unsafe struct ScanKernelArguments
{
    /// <summary>The first token's x, dt and z.</summary>
    public float* X, Dt, Z;

    /// <summary>Bytes from a token's x, dt and z to the next one's.</summary>
    public long XStride, DtStride, ZStride;

    /// <summary>The first token's B and C.</summary>
    public float* B, C;

    /// <summary>Bytes from a token's B and C to the next one's.</summary>
    public long BStride, CStride;

    /// <summary>A · log₂e, and the state.</summary>
    public float* A, State;

    /// <summary>The channels' D and bias of dt.</summary>
    public float* Skip, Bias;

    /// <summary>Room for <see cref="ScanKernel.ColumnFloats"/> floats a token, at a multiple of 64 bytes.</summary>
    public float* Columns;

    /// <summary>The tokens, or the groups of sixteen channels; at least one.</summary>
    public long Count;
}
