using FalconMamba.Formats;
using FalconMamba.Kernels;

namespace FalconMamba.Model;

/// <summary>A layer as the kernels read it: matrices in place, small tensors decoded, padded and laid out for the lanes.</summary>
internal sealed class PreparedLayer : IDisposable
{
    private readonly List<NativeBuffer> _buffers = [];

    public PreparedLayer(FalconMambaConfig config, LayerWeights weights)
    {
        Weights = weights;
        Norm = Vector(weights.Norm);
        InProjBias = Optional(weights.InProjBias);
        OutProjBias = Optional(weights.OutProjBias);
        int d = config.IntermediateSize, n = config.StateSize, taps = config.ConvKernel, padded = RecurrentState.Pad(d);
        var taps1 = weights.Conv1d.ToSingle();
        var convolution = Buffer(taps * padded);
        for (var c = 0; c < d; c++)
            for (var k = 0; k < taps; k++) convolution.Span[RecurrentState.Place(c, k, taps)] = taps1[(c * taps) + k];
        Convolution = new ConvolutionWeights(convolution, Optional(weights.Conv1dBias), taps);

        var decay = weights.DecodeA();
        var a = Buffer(padded * n);
        for (var c = 0; c < d; c++)
            for (var s = 0; s < n; s++)
                a.Span[RecurrentState.Place(c, s, n)] = (float)(decay[(c * n) + s] * 1.4426950408889634);
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

    public long ByteLength => _buffers.Sum(buffer => (long)buffer.Length * sizeof(float));

    public void Dispose() => _buffers.ForEach(buffer => buffer.Dispose());

    private NativeBuffer? Optional(Tensor? tensor) => tensor is null ? null : Vector(tensor);

    private NativeBuffer Vector(Tensor tensor)
    {
        var buffer = Buffer(RecurrentState.Pad(checked((int)tensor.ElementCount)));
        tensor.CopyTo(buffer.Span);
        return buffer;
    }

    private NativeBuffer Buffer(int length)
    {
        var buffer = new NativeBuffer(length);
        _buffers.Add(buffer);
        return buffer;
    }
}
