using FalconMamba.Kernels;

namespace FalconMamba.Model;

/// <summary>
/// The whole past of a sequence as one value of fixed size: copied it is a branch, written it is a session, put back it is
/// a rollback. The inside is opaque; <see cref="CopyScanTo"/> and its relatives give the canonical form.
/// </summary>
/// <remarks>One forward pass at a time may move a state; reading it meanwhile gives no meaningful values.</remarks>
public sealed class RecurrentState : IDisposable
{
    /// <summary>The channels that lie side by side, whatever the instruction set.</summary>
    internal const int Lanes = 16;

    private readonly FalconMambaConfig _config;
    private readonly float[] _lastHidden;
    private NativeBuffer _convolution;
    private NativeBuffer _scan;
    private KeptScan? _kept;
    private int _inUse;

    internal RecurrentState(FalconMambaConfig config, string fingerprint)
    {
        _config = config;
        Fingerprint = fingerprint;
        PaddedWidth = Pad(config.IntermediateSize);
        _convolution = new NativeBuffer(checked(config.NumHiddenLayers * (config.ConvKernel - 1) * PaddedWidth));
        _scan = new NativeBuffer(checked(config.NumHiddenLayers * PaddedWidth * config.StateSize));
        _lastHidden = new float[config.HiddenSize];
    }

    /// <summary>How many tokens the state has seen.</summary>
    public long TokenCount { get; internal set; }

    /// <summary>The fingerprint of the model it belongs to.</summary>
    public string Fingerprint { get; }

    /// <summary>The bytes of a state of this shape, whatever it has seen.</summary>
    public long ByteLength => ((long)_convolution.Length + _scan.Length + _lastHidden.Length) * sizeof(float);

    /// <summary>
    /// The bytes that <see cref="Chunk.KeepScanInputs"/> takes besides; 0 where it was never asked for, and after
    /// <see cref="ReleaseScanInputs"/>.
    /// </summary>
    public long KeptByteLength => _kept?.ByteLength ?? 0;

    /// <summary>The final norm's output for the last token [H]; meaningless before the first.</summary>
    public ReadOnlySpan<float> LastHidden => _lastHidden;

    /// <summary>The number of layers.</summary>
    public int LayerCount => _config.NumHiddenLayers;

    internal int PaddedWidth { get; }

    internal Span<float> LastHiddenRow => _lastHidden;

    /// <summary>What puts the state back to a token of its last chunk; null where nothing does.</summary>
    internal KeptScan? Kept => _kept is { IsValid: true } ? _kept : null;

    private int WindowLength => _config.ConvKernel - 1;

    /// <summary>A copy that goes its own way.</summary>
    /// <exception cref="ObjectDisposedException">The state is disposed.</exception>
    public RecurrentState Fork()
    {
        var fork = new RecurrentState(_config, Fingerprint);
        fork.CopyFrom(this);
        return fork;
    }

    /// <summary>Takes another state's whole content: a rollback when that one is a kept copy.</summary>
    /// <param name="other">A state of the same model.</param>
    /// <exception cref="StateMismatchException">The other state belongs to another model.</exception>
    /// <exception cref="ObjectDisposedException">One of the states is disposed.</exception>
    public void CopyFrom(RecurrentState other)
    {
        ArgumentNullException.ThrowIfNull(other);
        StateMismatchException.ThrowIfDifferent(Fingerprint, other.Fingerprint);
        ForgetScanInputs();
        other._convolution.Span.CopyTo(_convolution.Span);
        other._scan.Span.CopyTo(_scan.Span);
        other._lastHidden.CopyTo(_lastHidden, 0);
        TokenCount = other.TokenCount;
    }

    /// <summary>Back to a past without tokens.</summary>
    /// <exception cref="ObjectDisposedException">The state is disposed.</exception>
    public void Reset()
    {
        ForgetScanInputs();
        _convolution.Span.Clear();
        _scan.Span.Clear();
        _lastHidden.AsSpan().Clear();
        TokenCount = 0;
    }

    /// <summary>A layer's last inputs of the convolution [K−1, D], oldest first, zeros before the first token.</summary>
    /// <param name="layer">The layer's number.</param>
    /// <param name="destination">(K−1)·D floats.</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void CopyConvolutionTo(int layer, Span<float> destination)
    {
        int d = _config.IntermediateSize, window = WindowLength;
        CheckLength(destination.Length, window * d, nameof(destination));
        var blocks = LayerOf(_convolution, layer);
        for (var k = 0; k < window; k++)
            for (var c = 0; c < d; c++) destination[(k * d) + c] = blocks[Place(c, k, window)];
    }

    /// <summary>Sets a layer's last inputs of the convolution [K−1, D], oldest first.</summary>
    /// <param name="layer">The layer's number.</param>
    /// <param name="source">(K−1)·D floats.</param>
    /// <exception cref="ArgumentException">The source has another length.</exception>
    public void CopyConvolutionFrom(int layer, ReadOnlySpan<float> source)
    {
        int d = _config.IntermediateSize, window = WindowLength;
        CheckLength(source.Length, window * d, nameof(source));
        ForgetScanInputs();
        var blocks = LayerOf(_convolution, layer);
        for (var k = 0; k < window; k++)
            for (var c = 0; c < d; c++) blocks[Place(c, k, window)] = source[(k * d) + c];
    }

    /// <summary>A layer's state of the scan [D, N].</summary>
    /// <param name="layer">The layer's number.</param>
    /// <param name="destination">D·N floats.</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void CopyScanTo(int layer, Span<float> destination)
    {
        int d = _config.IntermediateSize, n = _config.StateSize;
        CheckLength(destination.Length, d * n, nameof(destination));
        var blocks = LayerOf(_scan, layer);
        for (var c = 0; c < d; c++)
            for (var s = 0; s < n; s++) destination[(c * n) + s] = blocks[Place(c, s, n)];
    }

    /// <summary>Sets a layer's state of the scan [D, N].</summary>
    /// <param name="layer">The layer's number.</param>
    /// <param name="source">D·N floats.</param>
    /// <exception cref="ArgumentException">The source has another length.</exception>
    public void CopyScanFrom(int layer, ReadOnlySpan<float> source)
    {
        int d = _config.IntermediateSize, n = _config.StateSize;
        CheckLength(source.Length, d * n, nameof(source));
        ForgetScanInputs();
        var blocks = LayerOf(_scan, layer);
        for (var c = 0; c < d; c++)
            for (var s = 0; s < n; s++) blocks[Place(c, s, n)] = source[(c * n) + s];
    }

    /// <summary>Writes the state to a file that any process with the same model can go on from.</summary>
    /// <param name="path">The file; an older one is replaced when the new one is complete.</param>
    /// <param name="notes">Strings to keep with the state.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path, IReadOnlyDictionary<string, string>? notes = null) => StateFile.Write(path, this, _config, notes);

    /// <summary>Reads a state that <see cref="Save"/> wrote.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The model it belongs to.</param>
    /// <exception cref="MalformedFileException">The file is no state, or its tensors do not fit.</exception>
    /// <exception cref="StateMismatchException">The state is another model's.</exception>
    public static RecurrentState Load(string path, IModelRunner model) => StateFile.Read(path, model, out _);

    /// <summary>Releases what <see cref="Chunk.KeepScanInputs"/> takes; the state stays where it is, and cannot be put back any more.</summary>
    public void ReleaseScanInputs()
    {
        _kept?.Dispose();
        _kept = null;
    }

    /// <summary>Releases the memory.</summary>
    public void Dispose()
    {
        ReleaseScanInputs();
        _convolution.Dispose();
        _scan.Dispose();
    }

    internal static int Pad(int width) => checked(width + Lanes - 1) & ~(Lanes - 1);

    /// <summary>
    /// The place of one of a channel's numbers (states, taps or stored inputs): sixteen channels lie side by side.
    /// </summary>
    internal static int Place(int channel, int item, int items) =>
        (((channel / Lanes) * items) + item) * Lanes + (channel % Lanes);

    internal Segment Segment(int row, int count) => new(row, count, _convolution, _scan);

    /// <summary>The segment with which a chunk begins anew: from the state that was kept before it, into this one.</summary>
    internal Segment SegmentFrom(KeptScan kept, int row, int count) =>
        Segment(row, count) with { ConvolutionBefore = kept.Convolution, ScanBefore = kept.Scan };

    /// <summary>Begins to keep a chunk of so many tokens.</summary>
    internal KeptScan KeepScanInputs(int tokens)
    {
        _kept ??= new KeptScan(_config, new NativeBuffer(_convolution.Length), new NativeBuffer(_scan.Length));
        _kept.Begin(TokenCount, tokens, _lastHidden, ref _convolution, ref _scan);
        return _kept;
    }

    /// <summary>There is no way back from what happens to the state next.</summary>
    internal void ForgetScanInputs() => _kept?.Forget();

    /// <summary>Puts the state back to before its last chunk.</summary>
    internal void CopyFrom(KeptScan kept)
    {
        kept.Convolution.Span.CopyTo(_convolution.Span);
        kept.Scan.Span.CopyTo(_scan.Span);
    }

    /// <summary>Claims the state for one forward pass.</summary>
    internal bool TryEnter() => Interlocked.CompareExchange(ref _inUse, 1, 0) == 0;

    internal void Exit() => Volatile.Write(ref _inUse, 0);

    private static void CheckLength(int actual, int expected, string parameter)
    {
        if (actual != expected) throw new ArgumentException($"{expected} floats were expected, {actual} were given.", parameter);
    }

    private Span<float> LayerOf(NativeBuffer buffer, int layer)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)layer, (uint)LayerCount, nameof(layer));
        var length = buffer.Length / LayerCount;
        return buffer.Span.Slice(layer * length, length);
    }
}
