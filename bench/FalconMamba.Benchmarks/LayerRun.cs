using FalconMamba.Kernels;

namespace FalconMamba.Benchmarks;

/// <summary>
/// The kernels between the products, for one sequence at the 7B model's widths. Weights and states lie there for many more
/// layers than the model has, so that the scan finds neither in a cache; the activations it does find there, as in a model.
/// </summary>
internal sealed class LayerRun : IDisposable
{
    public const int Hidden = 4096, Channels = 8192, States = 16, Taps = 4;
    private const int Layers = 512;

    // Rows are that much longer than they need be, as in a model.
    private const int Line = 16;

    // silu(z) = 1 there, which with D = 1 and C = 0 writes the scan's input over itself, call for call.
    private const float OpenGate = 1.2784645f;

    private readonly KernelSet _kernels = KernelSet.Create(MeasuredPeaks.Threads);
    private readonly Rows _hidden, _normed, _u, _z, _x, _dt, _bc;
    private readonly NativeBuffer _norm = RandomRows.Create(1, Hidden).Buffer;
    private readonly ConvolutionWeights[] _convolution;
    private readonly ScanWeights[] _scan;
    private readonly Segment[] _segments;
    private readonly QuantizedActivations _quantized;
    private readonly int _tokens;
    private int _layer;

    public LayerRun(int tokens)
    {
        _tokens = tokens;
        _hidden = RandomRows.Create(tokens, Hidden + Line);
        _normed = RandomRows.Create(tokens, Hidden + Line);
        _u = RandomRows.Create(tokens, Channels + Line);
        _x = RandomRows.Create(tokens, Channels + Line);
        _dt = RandomRows.Create(tokens, Channels + Line);
        _z = RandomRows.Create(tokens, Channels + Line);
        _z.Buffer.Span.Fill(OpenGate);
        _bc = RandomRows.Create(tokens, 2 * States);
        for (var t = 0; t < tokens; t++) _bc.Row(t, 2 * States)[States..].Clear();
        _quantized = new QuantizedActivations(tokens, Hidden);
        _convolution = [.. Enumerable.Range(0, Layers).Select(_ =>
            new ConvolutionWeights(RandomRows.Create(Taps, Channels).Buffer, RandomRows.Create(1, Channels).Buffer, Taps))];
        _scan = [.. Enumerable.Range(0, Layers).Select(_ =>
            new ScanWeights(RandomRows.Create(States, Channels, -0.75f).Buffer, Ones(), RandomRows.Create(1, Channels).Buffer, States))];
        _segments = [new Segment(0, tokens, new NativeBuffer(Layers * (Taps - 1) * Channels), new NativeBuffer(Layers * States * Channels))];
    }

    public void Convolve() =>
        _kernels.CausalConvolution(_segments, 1, NextLayer(), _u, _x, _convolution[_layer], _tokens, Channels);

    public void Scan() =>
        _kernels.SelectiveScan(_segments, 1, NextLayer(), new ScanActivations(_x, _z, _dt, _bc, _bc with { Offset = States }), _scan[_layer], _tokens, Channels);

    public void Normalize() => _kernels.RmsNorm(_hidden, _normed, _norm, _tokens, Hidden, 1e-5f);

    public unsafe void Quantize()
    {
        var rows = _quantized.Rows(_tokens, Hidden, 256);
        ActivationQuantizer.Run(_hidden.Pointer(_tokens, Hidden), _hidden.Stride, in rows, _tokens, ComputePool.Shared, MeasuredPeaks.Threads);
    }

    public void Dispose()
    {
        foreach (var rows in (Rows[])[_hidden, _normed, _u, _z, _x, _dt, _bc]) rows.Buffer.Dispose();
        foreach (var weights in _convolution)
        {
            weights.Weight.Dispose();
            weights.Bias!.Dispose();
        }

        foreach (var weights in _scan)
        {
            weights.A.Dispose();
            weights.D.Dispose();
            weights.DtBias.Dispose();
        }

        _norm.Dispose();
        _quantized.Dispose();
        _segments[0].Convolution.Dispose();
        _segments[0].Scan.Dispose();
    }

    private static NativeBuffer Ones()
    {
        var buffer = new NativeBuffer(Channels);
        buffer.Span.Fill(1);
        return buffer;
    }

    private int NextLayer() => _layer = (_layer + 1) % Layers;
}
