using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using FalconMamba.Kernels;

namespace FalconMamba.Model;

/// <summary>
/// A Falcon Mamba (or plain Mamba) language model on the processor. Safe for concurrent use; a state belongs to one call at
/// a time.
/// </summary>
public sealed class FalconMambaModel : IModelRunner
{
    // One for each way to multiply: with one token, with few, with as many as make up panels.
    private static readonly int[] CompiledLengths = [1, 8, 128];

    private readonly KernelSet _kernels;
    private readonly ModelWeights _weights;
    private readonly PreparedWeights _prepared;
    private readonly ConcurrentBag<Workspace> _workspaces = [];
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _idle = new(true);
    private int _running;
    private bool _disposed;

    /// <summary>Makes a model of its weights, which it owns from here on.</summary>
    /// <param name="weights">The weights; <see cref="Dispose"/> closes them.</param>
    /// <param name="options">How to run; null for the defaults.</param>
    public FalconMambaModel(ModelWeights weights, ModelOptions? options = null)
        : this(weights, (options ?? new ModelOptions()).Checked(), null)
    {
    }

    /// <summary>A model on the kernels of one path, for comparing paths.</summary>
    internal FalconMambaModel(ModelWeights weights, ModelOptions options, KernelSet? kernels)
    {
        ArgumentNullException.ThrowIfNull(weights);
        _weights = weights;
        _kernels = kernels ?? KernelSet.Create(options.Threads, options.Exact, options.Deterministic);
        Config = options.Configure(weights.Config);
        PrefillChunkSize = options.PrefillChunkSize;
        weights.ReadIntoMemory();
        (_prepared, Fingerprint) = Prepare(Config, weights, _kernels.Threads);
    }

    /// <inheritdoc/>
    public FalconMambaConfig Config { get; }

    /// <inheritdoc/>
    public string Fingerprint { get; }

    /// <summary>The tensors by their checkpoint names.</summary>
    public ModelWeights Weights => _weights;

    /// <summary>The kernels' path: amx, emitted, 512, 256, 128 or generic.</summary>
    public string KernelPath => _kernels.Name;

    /// <summary>The threads a forward pass uses.</summary>
    public int Threads => _kernels.Threads;

    /// <summary>The tokens that go through the layers together.</summary>
    public int PrefillChunkSize { get; }

    /// <summary>Opens a checkpoint: a folder in Hugging Face layout, or a GGUF file.</summary>
    /// <param name="path">A folder with <c>config.json</c> and safetensors files, or a <c>.gguf</c> file.</param>
    /// <param name="options">How to run; null for the defaults.</param>
    /// <exception cref="MalformedFileException">A file is malformed; a tensor is missing, extra, misshapen or of a type that is not computed with.</exception>
    /// <exception cref="FileNotFoundException">The config or the weights are missing.</exception>
    public static FalconMambaModel Load(string path, ModelOptions? options = null)
    {
        var weights = ModelWeights.Open(path);
        try
        {
            return new FalconMambaModel(weights, options);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Makes the kernels that are assembled at run time now rather than during the first tokens, by running one token and two
    /// prompts, a short and a long one, as <see cref="WarmUp"/> does. Where nothing is assembled nothing is done, and
    /// <see cref="KernelPlan.IsEmitted"/> says so.
    /// </summary>
    /// <returns>The kernels that the model runs on from here on.</returns>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public KernelPlan Compile()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var plan = KernelPlan.Of(_weights, _kernels, PrefillChunkSize);
        if (plan.IsEmitted) WarmUp(CompiledLengths);
        return plan;
    }

    /// <summary>
    /// Runs chunks of some lengths through the layers that differ in the types of their weights, two or three of a model, so that
    /// the first real ones need not wait for code to be compiled and kernels to be assembled. It may run beside other calls.
    /// </summary>
    /// <param name="lengths">Tokens of a chunk; more than go through the layers together count as so many.</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void WarmUp(params ReadOnlySpan<int> lengths)
    {
        using var state = CreateState();
        var logits = new float[Config.VocabSize];
        foreach (var length in lengths)
            Run(_prepared.DifferentLayers, [new Chunk(state, new int[Math.Clamp(length, 1, PrefillChunkSize)])], logits, [], null, null, CancellationToken.None);
    }

    /// <inheritdoc/>
    public RecurrentState CreateState()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new RecurrentState(Config, Fingerprint);
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">A chunk asks for an adapter.</exception>
    public void Forward(
        ReadOnlySpan<Chunk> chunks,
        Span<float> logits,
        Span<float> hidden = default,
        IActivationTap? tap = null,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default) => Run(_prepared.AllLayers, chunks, logits, hidden, tap, progress, cancellationToken);

    private void Run(
        int[] layers, ReadOnlySpan<Chunk> chunks, Span<float> logits, Span<float> hidden, IActivationTap? tap, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        Check(chunks, logits.Length, hidden.Length);
        Enter();
        var claimed = 0;
        Workspace? workspace = null;
        try
        {
            for (; claimed < chunks.Length; claimed++)
            {
                if (!chunks[claimed].State.TryEnter())
                    throw new ArgumentException("A state takes part in two chunks, or in another call that still runs.", nameof(chunks));
            }

            workspace = Rent(RowCount(chunks));
            var pass = new ForwardPass(this, layers, workspace, chunks, logits, hidden, tap);
            var done = 0;
            do
            {
                cancellationToken.ThrowIfCancellationRequested();
                done += pass.Next();
                progress?.Report(done);
            }
            while (!pass.Finished);
        }
        finally
        {
            while (claimed > 0) chunks[--claimed].State.Exit();
            if (workspace is not null) _workspaces.Add(workspace);
            Leave();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The state takes part in a call that still runs.</exception>
    public void RollBack(RecurrentState state, long tokenCount)
    {
        ArgumentNullException.ThrowIfNull(state);
        StateMismatchException.ThrowIfDifferent(Fingerprint, state.Fingerprint);
        Enter();
        try
        {
            if (!state.TryEnter()) throw new ArgumentException("The state takes part in a call that still runs.", nameof(state));
            try
            {
                RollBackClaimed(state, tokenCount);
            }
            finally
            {
                state.Exit();
            }
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Waits for the calls that run, then releases buffers and files.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
        }

        _idle.Wait();
        _idle.Dispose();
        foreach (var workspace in _workspaces) workspace.Dispose();
        _prepared.Dispose();
        _weights.Dispose();
    }

    internal (KernelSet Kernels, PreparedLayer[] Layers, NativeBuffer NormF) Prepared => (_kernels, _prepared.Layers, _prepared.NormF);

    // Both read the files all over, which takes longest where pages are not mapped yet.
    private static (PreparedWeights Prepared, string Fingerprint) Prepare(FalconMambaConfig config, ModelWeights weights, int threads)
    {
        PreparedWeights? prepared = null;
        var fingerprint = "";
        try
        {
            Parallel.Invoke(
                new ParallelOptions { MaxDegreeOfParallelism = threads },
                () => fingerprint = ModelFingerprint.Of(config, weights),
                () => prepared = new PreparedWeights(weights, threads));
            return (prepared!, fingerprint);
        }
        catch (AggregateException e)
        {
            prepared?.Dispose();
            ExceptionDispatchInfo.Throw(e.Flatten().InnerExceptions[0]);
            throw;
        }
    }

    private void RollBackClaimed(RecurrentState state, long tokenCount)
    {
        if (tokenCount == state.TokenCount) return;
        if (state.Kept is not { } kept || tokenCount < kept.Start || tokenCount > kept.Start + kept.Count)
        {
            var reason = state.Kept is null ? "its last chunk did not keep its scan inputs" : $"its last chunk goes from {state.Kept.Start} to {state.Kept.Start + state.Kept.Count}";
            throw new ArgumentOutOfRangeException(nameof(tokenCount), tokenCount, $"The state has seen {state.TokenCount} tokens and cannot be put back to {tokenCount}: {reason}.");
        }

        var count = (int)(tokenCount - kept.Start);
        if (count == 0)
        {
            state.CopyFrom(kept);
        }
        else
        {
            var workspace = Rent(count);
            ScanReplay.Run(this, workspace, state, kept, count);
            _workspaces.Add(workspace);
        }

        kept.HiddenBehind(count).CopyTo(state.LastHiddenRow);
        state.TokenCount = tokenCount;
    }

    private void Check(ReadOnlySpan<Chunk> chunks, int logitsLength, int hiddenLength)
    {
        if (chunks.IsEmpty) throw new ArgumentException("There is no chunk to run.", nameof(chunks));
        long logitRows = 0, hiddenRows = 0;
        foreach (ref readonly var chunk in chunks)
        {
            ArgumentNullException.ThrowIfNull(chunk.State, nameof(chunks));
            StateMismatchException.ThrowIfDifferent(Fingerprint, chunk.State.Fingerprint);
            if (chunk.Adapter is not null) throw new NotSupportedException("Adapters are not supported yet.");
            if (chunk.Tokens.IsEmpty && chunk.State.TokenCount == 0)
                throw new ArgumentException("A chunk has no tokens and its state has seen none.", nameof(chunks));
            foreach (var id in chunk.Tokens.Span)
            {
                if ((uint)id >= (uint)Config.VocabSize)
                    throw new ArgumentException($"Token {id} is not in the vocabulary of {Config.VocabSize}.", nameof(chunks));
            }

            logitRows += Chunk.Count(chunk.Logits, chunk.Tokens.Length);
            hiddenRows += Chunk.Count(chunk.Hidden, chunk.Tokens.Length);
        }

        if (logitsLength < logitRows * Config.VocabSize)
            throw new ArgumentException($"{logitRows} rows of {Config.VocabSize} logits do not fit {logitsLength} floats.", nameof(chunks));
        if (hiddenLength < hiddenRows * Config.HiddenSize)
            throw new ArgumentException($"{hiddenRows} hidden rows of {Config.HiddenSize} do not fit {hiddenLength} floats.", nameof(chunks));
    }

    private static long RowCount(ReadOnlySpan<Chunk> chunks)
    {
        long rows = 0;
        foreach (ref readonly var chunk in chunks) rows += Math.Max(1, chunk.Tokens.Length);
        return rows;
    }

    private Workspace Rent(long tokens)
    {
        var needed = (int)Math.Min(tokens, PrefillChunkSize);
        if (_workspaces.TryTake(out var workspace) && workspace.Capacity >= needed) return workspace;
        workspace?.Dispose();
        return new Workspace(Config, needed);
    }

    private void Enter()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_running++ == 0) _idle.Reset();
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            if (--_running == 0) _idle.Set();
        }
    }
}
