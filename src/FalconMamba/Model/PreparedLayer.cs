using System.Runtime.CompilerServices;
using FalconMamba.Formats;
using FalconMamba.Kernels;

namespace FalconMamba.Model;

/// <summary>
/// A layer as the kernels read it: matrices in place, small tensors decoded, padded and laid out for the lanes. Its numbers
/// lie in a buffer of the caller, so that all layers can share one.
/// </summary>
internal sealed class PreparedLayer
{
    // exp2 is what the scan computes: exp(x) = exp2(x * log2(e)).
    private const double Log2E = 1.4426950408889634;

    private NativeBuffer _rest;

    /// <summary>Reads a layer's small tensors.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="weights">The layer's tensors.</param>
    /// <param name="buffer">Zeros, as many as <see cref="Length"/> says; the caller releases them.</param>
    public PreparedLayer(FalconMambaConfig config, LayerWeights weights, NativeBuffer buffer)
    {
        _rest = buffer;
        Weights = weights;
        Norm = Vector(weights.Norm);
        InProjBias = Optional(weights.InProjBias);
        OutProjBias = Optional(weights.OutProjBias);
        int d = config.IntermediateSize, n = config.StateSize, taps = config.ConvKernel, padded = RecurrentState.Pad(d);
        var convolution = Take(taps * padded);
        LayOut(weights.Conv1d.CopyTo, d, taps, 1, convolution.Span);
        Convolution = new ConvolutionWeights(convolution, Optional(weights.Conv1dBias), taps);
        var a = Take(padded * n);
        LayOut(weights.CopyATo, d, n, Log2E, a.Span);
        Scan = new ScanWeights(a, Vector(weights.D), Vector(weights.DtProjBias), n);
    }

    public LayerWeights Weights { get; }

    /// <summary>[H].</summary>
    public NativeBuffer Norm { get; }

    /// <summary>[2D], or null.</summary>
    public NativeBuffer? InProjBias { get; }

    /// <summary>[H], or null.</summary>
    public NativeBuffer? OutProjBias { get; }

    public ConvolutionWeights Convolution { get; }

    public ScanWeights Scan { get; }

    /// <summary>The floats that each layer of a model takes.</summary>
    public static int Length(FalconMambaConfig config)
    {
        int h = RecurrentState.Pad(config.HiddenSize), d = RecurrentState.Pad(config.IntermediateSize);
        var biases = config.UseBias ? checked(RecurrentState.Pad(checked(2 * config.IntermediateSize)) + h) : 0;
        return checked(h + biases + (d * (config.ConvKernel + (config.UseConvBias ? 1 : 0) + config.StateSize + 2)));
    }

    // Sixteen channels at a time, so that no array of the tensor's size is made only to be read once. Optimized from the
    // first call, because loading is over before the runtime would have found out that it pays.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LayOut(Action<long, Span<double>> read, int channels, int items, double factor, Span<float> blocks)
    {
        const int lanes = RecurrentState.Lanes;
        var rows = new double[lanes * items];
        for (var channel = 0; channel < channels; channel += lanes, blocks = blocks[rows.Length..])
        {
            var count = Math.Min(lanes, channels - channel);
            read((long)channel * items, rows.AsSpan(0, count * items));
            for (var c = 0; c < count; c++)
                for (var i = 0; i < items; i++) blocks[(i * lanes) + c] = (float)(rows[(c * items) + i] * factor);
        }
    }

    private NativeBuffer? Optional(Tensor? tensor) => tensor is null ? null : Vector(tensor);

    private NativeBuffer Vector(Tensor tensor)
    {
        var part = Take(RecurrentState.Pad(checked((int)tensor.ElementCount)));
        tensor.CopyTo(part.Span);
        return part;
    }

    private NativeBuffer Take(int length)
    {
        var part = _rest.Slice(0, length);
        _rest = _rest.Slice(length, _rest.Length - length);
        return part;
    }
}
