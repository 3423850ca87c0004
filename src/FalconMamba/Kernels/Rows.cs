namespace FalconMamba.Kernels;

/// <summary>Equally spaced rows of floats inside a buffer.</summary>
/// <param name="Buffer">Where they lie.</param>
/// <param name="Stride">Floats from one row to the next.</param>
/// <param name="Offset">The first row's first float.</param>
internal readonly record struct Rows(NativeBuffer Buffer, int Stride, int Offset = 0)
{
    /// <summary>One row's first <paramref name="width"/> floats.</summary>
    public Span<float> Row(int row, int width) => Buffer.Span.Slice(Offset + (row * Stride), width);

    /// <summary>The first float, once it is sure that <paramref name="rows"/> rows of this width lie in the buffer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They do not.</exception>
    public unsafe float* Pointer(int rows, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(Offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Offset + ((rows - 1) * (long)Stride) + width, Buffer.Length, nameof(rows));
        return Buffer.Pointer + Offset;
    }
}

/// <summary>Consecutive tokens of one sequence inside a pass, and the state they read and move forward.</summary>
/// <param name="Row">The first of the sequence's rows in the pass.</param>
/// <param name="Count">How many rows.</param>
/// <param name="Convolution">The convolution's last inputs: [layers, D/16, K−1, 16], oldest first.</param>
/// <param name="Scan">The scan's state: [layers, D/16, N, 16].</param>
internal readonly record struct Segment(int Row, int Count, NativeBuffer Convolution, NativeBuffer Scan)
{
    /// <summary>Where the convolution's last inputs are read, if not where they are written.</summary>
    public NativeBuffer ConvolutionBefore { get; init; } = Convolution;

    /// <summary>Where the scan's state is read, if not where it is written.</summary>
    public NativeBuffer ScanBefore { get; init; } = Scan;
}
