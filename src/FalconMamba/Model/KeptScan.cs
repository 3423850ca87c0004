using FalconMamba.Kernels;

namespace FalconMamba.Model;

/// <summary>
/// What puts a state back to any token of its last chunk: the state before the chunk, and for each of the chunk's tokens what
/// the convolution and the scan took in, and the final hidden row. Everything else of a layer is done with once its scan
/// has run, so a rollback runs convolution and scan alone.
/// </summary>
/// <remarks>A token takes 2·D + N floats a layer: 4 MB at 7B, where a copy of the state is 40 MB.</remarks>
internal sealed class KeptScan : IDisposable
{
    // More room than asked for, so that chunks of changing lengths do not make it anew each time.
    private const int RoomStep = 8;

    private readonly FalconMambaConfig _config;
    private readonly int _width, _stride;
    private readonly NativeBuffer[] _layers;
    private float[] _hidden = [];
    private int _capacity;

    /// <summary>Room for a state before a chunk; that for tokens comes when they do.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="convolution">As long as a state's own.</param>
    /// <param name="scan">As long as a state's own.</param>
    public KeptScan(FalconMambaConfig config, NativeBuffer convolution, NativeBuffer scan)
    {
        (_config, Convolution, Scan) = (config, convolution, scan);
        _width = RecurrentState.Pad(config.IntermediateSize);
        _stride = (2 * _width) + RecurrentState.Pad(config.StateSize);
        _layers = new NativeBuffer[config.NumHiddenLayers];
    }

    /// <summary>The convolution's last inputs before the chunk.</summary>
    public NativeBuffer Convolution { get; private set; }

    /// <summary>The scan's state before the chunk.</summary>
    public NativeBuffer Scan { get; private set; }

    /// <summary>How many tokens the state had seen before the chunk.</summary>
    public long Start { get; private set; }

    /// <summary>How many of the chunk's tokens are kept.</summary>
    public int Count { get; private set; }

    /// <summary>Whether there is a chunk to go back in.</summary>
    public bool IsValid { get; private set; }

    /// <summary>The bytes that it takes.</summary>
    public long ByteLength =>
        ((long)Convolution.Length + Scan.Length + _hidden.Length + ((long)_capacity * _stride * _layers.Length)) * sizeof(float);

    /// <summary>Begins with a chunk: takes the state's buffers for the state before it, and gives others in exchange.</summary>
    /// <param name="start">How many tokens the state has seen.</param>
    /// <param name="tokens">How many the chunk has.</param>
    /// <param name="hidden">The last hidden row [H].</param>
    /// <param name="convolution">The state's.</param>
    /// <param name="scan">The state's.</param>
    public void Begin(long start, int tokens, ReadOnlySpan<float> hidden, ref NativeBuffer convolution, ref NativeBuffer scan)
    {
        IsValid = false;
        Reserve(tokens);
        hidden.CopyTo(_hidden);
        (Convolution, convolution) = (convolution, Convolution);
        (Scan, scan) = (scan, Scan);
        (Start, Count, IsValid) = (start, 0, true);
    }

    /// <summary>The state has gone elsewhere, from where there is no way back.</summary>
    public void Forget() => IsValid = false;

    /// <summary>Keeps what a layer's convolution and scan took in for the chunk's next tokens.</summary>
    public void Keep(int layer, in Segment segment, Rows u, Rows dt, Rows b)
    {
        for (var i = 0; i < segment.Count; i++)
        {
            u.Row(segment.Row + i, _width).CopyTo(U(layer, Count).Row(i, _width));
            dt.Row(segment.Row + i, _width).CopyTo(Dt(layer, Count).Row(i, _width));
            b.Row(segment.Row + i, _config.StateSize).CopyTo(B(layer, Count).Row(i, _config.StateSize));
        }
    }

    /// <summary>Counts tokens that have passed all layers, and keeps their final hidden rows.</summary>
    public void Add(Rows hidden, int row, int count)
    {
        for (var i = 0; i < count; i++) hidden.Row(row + i, _config.HiddenSize).CopyTo(_hidden.AsSpan(++Count * _config.HiddenSize));
    }

    /// <summary>The convolution's inputs from a token of the chunk on [D].</summary>
    public Rows U(int layer, int first) => new(_layers[layer], _stride, first * _stride);

    /// <summary>dt_proj's output from a token of the chunk on [D].</summary>
    public Rows Dt(int layer, int first) => new(_layers[layer], _stride, (first * _stride) + _width);

    /// <summary>B from a token of the chunk on [N].</summary>
    public Rows B(int layer, int first) => new(_layers[layer], _stride, (first * _stride) + (2 * _width));

    /// <summary>The final hidden row [H] behind so many of the chunk's tokens.</summary>
    public ReadOnlySpan<float> HiddenBehind(int tokens) => _hidden.AsSpan(tokens * _config.HiddenSize, _config.HiddenSize);

    public void Dispose()
    {
        IsValid = false;
        Convolution.Dispose();
        Scan.Dispose();
        foreach (var layer in _layers) layer?.Dispose();
    }

    private void Reserve(int tokens)
    {
        if (tokens <= _capacity) return;
        var capacity = checked(tokens + RoomStep - 1) / RoomStep * RoomStep;
        _capacity = 0;
        foreach (ref var layer in _layers.AsSpan())
        {
            layer?.Dispose();
            layer = new NativeBuffer(checked(capacity * _stride));
        }

        _hidden = new float[checked((capacity + 1) * _config.HiddenSize)];
        _capacity = capacity;
    }
}
