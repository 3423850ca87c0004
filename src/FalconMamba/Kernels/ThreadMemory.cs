namespace FalconMamba.Kernels;

/// <summary>Memory that a thread keeps for its products: it grows to the largest that was asked for and lives as long as the thread.</summary>
internal static unsafe class ThreadMemory
{
    [ThreadStatic]
    private static NativeBuffer? _panels;

    [ThreadStatic]
    private static NativeBuffer? _inputs;

    /// <summary>What this thread keeps.</summary>
    public static ProductScratch Kept => new(Bytes(_inputs), Bytes(_panels));

    /// <summary>Room for a panel of weights and its sums; valid until the thread asks again.</summary>
    public static byte* OfPanels(long bytes) => Grow(ref _panels, bytes);

    /// <summary>Room for a product's packed inputs; valid until the thread asks again.</summary>
    public static byte* OfInputs(long bytes) => Grow(ref _inputs, bytes);

    private static long Bytes(NativeBuffer? buffer) => buffer is null ? 0 : (long)buffer.Length * sizeof(float);

    private static byte* Grow(ref NativeBuffer? buffer, long bytes)
    {
        var floats = checked((int)((bytes + sizeof(float) - 1) / sizeof(float)));
        if (buffer is null || buffer.Length < floats)
        {
            buffer?.Dispose();
            buffer = new NativeBuffer(floats);
        }

        return (byte*)buffer.Pointer;
    }
}
