namespace FalconMamba.Kernels.Assembled;

/// <summary>What the assembled filling of a panel reads at its only pointer; the order is the code's.</summary>
internal unsafe struct PanelKernelArguments
{
    /// <summary>The first of 32 rows' blocks.</summary>
    public byte* Blocks;

    /// <summary>The bytes of a row.</summary>
    public long RowBytes;

    /// <summary>The panel, on a line's start.</summary>
    public byte* Panel;
}
