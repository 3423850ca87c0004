using FalconMamba.Kernels;

namespace FalconMamba.Model;

/// <summary>
/// The activations of one pass over the layers, a row a token; every width is padded to a multiple of sixteen with zeros
/// that no kernel overwrites.
/// </summary>
internal sealed class Workspace : IDisposable
{
    // Rows a power of two apart would share the same few places of a cache: a line more spreads them.
    private const int Line = 16;

    private readonly NativeBuffer[] _buffers;

    public Workspace(FalconMambaConfig config, int capacity)
    {
        Capacity = capacity;
        var (h, d, n, r, projected) = PaddedSizes(config);
        _buffers = [.. Widths(config).Select(width => new NativeBuffer(checked(width * capacity)))];
        Residual = new Rows(_buffers[0], h + Line);
        Normed = new Rows(_buffers[1], h + Line);
        U = new Rows(_buffers[2], (2 * d) + Line);
        Z = new Rows(_buffers[2], (2 * d) + Line, d);
        X = new Rows(_buffers[3], d + Line);
        Dt = new Rows(_buffers[4], d + Line);
        Projected = new Rows(_buffers[5], projected);
        DtLow = new Rows(_buffers[6], r);
        B = new Rows(_buffers[7], 2 * n);
        C = new Rows(_buffers[7], 2 * n, n);
        Quantized = new QuantizedActivations(capacity, WidestInput(config));
        Segments = new Segment[capacity];
        Kept = new KeptScan?[capacity];
    }

    /// <summary>The tokens it has room for.</summary>
    public int Capacity { get; }

    /// <summary>The residual stream [H].</summary>
    public Rows Residual { get; }

    /// <summary>The normalised stream [H].</summary>
    public Rows Normed { get; }

    /// <summary>The first half of in_proj's output [D]: the convolution's inputs.</summary>
    public Rows U { get; }

    /// <summary>The second half [D]: the gate.</summary>
    public Rows Z { get; }

    /// <summary>The convolution's output [D], then the gated output of the scan.</summary>
    public Rows X { get; }

    /// <summary>dt_proj's output [D].</summary>
    public Rows Dt { get; }

    /// <summary>x_proj's output [R + 2N].</summary>
    public Rows Projected { get; }

    /// <summary>dt before dt_proj [R], normalised.</summary>
    public Rows DtLow { get; }

    /// <summary>B [N], normalised.</summary>
    public Rows B { get; }

    /// <summary>C [N], normalised.</summary>
    public Rows C { get; }

    /// <summary>The input of one matrix product in eight bits.</summary>
    public QuantizedActivations Quantized { get; }

    /// <summary>The segments of the pass, at most one a token.</summary>
    public Segment[] Segments { get; }

    /// <summary>Where each segment's inputs of convolution and scan are kept; null where they are not.</summary>
    public KeptScan?[] Kept { get; }

    /// <summary>The bytes that the activations of so many tokens take.</summary>
    public static long ByteLength(FalconMambaConfig config, int tokens) =>
        (Widths(config).Sum(width => (long)width) * tokens * sizeof(float)) + QuantizedActivations.ByteLength(tokens, WidestInput(config));

    public void Dispose()
    {
        Array.ForEach(_buffers, buffer => buffer.Dispose());
        Quantized.Dispose();
    }

    /// <summary>The floats that each of the buffers takes for a token.</summary>
    private static int[] Widths(FalconMambaConfig config)
    {
        var (h, d, n, r, projected) = PaddedSizes(config);
        return [h + Line, h + Line, (2 * d) + Line, d + Line, d + Line, projected, r, 2 * n];
    }

    /// <summary>The widest input of a matrix product.</summary>
    private static int WidestInput(FalconMambaConfig config) =>
        RecurrentState.Pad(Math.Max(config.HiddenSize, Math.Max(config.IntermediateSize, config.TimeStepRank)));

    private static (int H, int D, int N, int R, int Projected) PaddedSizes(FalconMambaConfig config) => (
        RecurrentState.Pad(config.HiddenSize),
        RecurrentState.Pad(config.IntermediateSize),
        RecurrentState.Pad(config.StateSize),
        RecurrentState.Pad(config.TimeStepRank),
        RecurrentState.Pad(config.TimeStepRank + (2 * config.StateSize)));
}
