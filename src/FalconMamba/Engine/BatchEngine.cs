using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Engine;

/// <summary>
/// Generates for many at once with one model (continuous batching): every step is one forward pass over the next token of each
/// stream and pieces of the prompts that are being read, requests come and go between steps, and prompts take no more of a
/// step than running streams can spare. It has one thread of its own. Safe for concurrent use.
/// </summary>
/// <remarks>
/// Yu et al., "Orca" (2022), for iterations instead of whole requests; Agrawal et al., "Sarathi" (2023), for prompts in pieces
/// beside running streams. Here a past has one size, so that there are no pages of it to be managed.
/// </remarks>
public sealed class BatchEngine : IDisposable
{
    private readonly IModelRunner _model;
    private readonly Tokenizer? _tokenizer;
    private readonly BatchEngineOptions _options;
    private readonly object _gate = new();
    private readonly WaitingLine _waiting;
    private readonly Queue<ExclusiveWork> _work = [];
    private readonly Batch _batch;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private bool _isDraining, _isDisposed;

    /// <summary>Starts an engine.</summary>
    /// <param name="model">The model, which stays its owner's.</param>
    /// <param name="tokenizer">Its tokenizer, for streams of text; null for ids alone.</param>
    /// <param name="options">How many requests it serves; null for the defaults.</param>
    /// <param name="name">What a debugger calls its thread.</param>
    public BatchEngine(IModelRunner model, Tokenizer? tokenizer = null, BatchEngineOptions? options = null, string name = "falcon-mamba engine")
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, _tokenizer, _options) = (model, tokenizer, options ?? new BatchEngineOptions());
        _waiting = new WaitingLine(_options.MaxWaiting);
        _batch = new Batch(model, _options);
        _thread = new Thread(Work) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>What it does at the moment, and has done so far.</summary>
    public BatchEngineStatistics Statistics
    {
        get
        {
            var (steps, promptTokens, generatedTokens) = _batch.Totals;
            lock (_gate) return new BatchEngineStatistics(_batch.Count, _waiting.Count, steps, promptTokens, generatedTokens);
        }
    }

    /// <summary>Takes a request, which begins when its turn comes.</summary>
    /// <param name="request">What to generate.</param>
    /// <param name="cancellationToken">Ends it: at once where it waits, else after the step that runs.</param>
    /// <returns>The tokens as they come.</returns>
    /// <exception cref="ArgumentException">The request cannot be honoured; the message is one sentence.</exception>
    /// <exception cref="StateMismatchException">The state belongs to another model.</exception>
    /// <exception cref="EngineBusyException">As many requests wait as may.</exception>
    /// <exception cref="InvalidOperationException">The engine is being drained.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed.</exception>
    public GeneratedTokens Submit(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var tokens = new GeneratedTokens(this, _options.StreamCapacity, cancellationToken);
        lock (_gate)
        {
            ThrowIfClosed();
            // First, for a request that is refused must not move its history.
            _waiting.ThrowIfFull();
            _waiting.Add(new BatchSequence(_model, _tokenizer, _options.Prefixes, request, tokens));
            // The lock is held, so it is watched before it can end.
            tokens.Watch();
            Monitor.Pulse(_gate);
        }

        return tokens;
    }

    /// <summary>
    /// Gives work the engine's thread between two steps, for what is no stream: beams, several sequences, embeddings. Streams
    /// stand still meanwhile, but between two pieces of work they take a step.
    /// </summary>
    /// <param name="work">Runs on the thread; its token tells that the caller does not want it any more, or that the engine ends.</param>
    /// <param name="cancellationToken">Cancels; work that has not begun then never does.</param>
    /// <returns>Ends when the work has; cancelled, or with its exception, where it was. What waits for it never runs on the thread.</returns>
    /// <inheritdoc cref="Submit" path="/exception[@cref='T:System.InvalidOperationException' or @cref='T:System.ObjectDisposedException']"/>
    /// <exception cref="EngineBusyException">As much work waits as may.</exception>
    public Task RunAsync(Action<CancellationToken> work, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(work);
        var exclusive = new ExclusiveWork(work, cancellationToken);
        lock (_gate)
        {
            ThrowIfClosed();
            if (_work.Count >= _options.MaxWaiting) throw new EngineBusyException(_work.Count);
            _work.Enqueue(exclusive);
            // Only now: what is refused leaves nothing behind.
            exclusive.CancelWhileQueued();
            Monitor.Pulse(_gate);
        }

        return exclusive.Completion;
    }

    /// <summary>Takes no more requests, and brings those that run and wait to their end.</summary>
    /// <param name="cancellationToken">Ends the waiting, not the requests.</param>
    /// <returns>Ends when all have.</returns>
    public Task DrainAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            _isDraining = true;
            Monitor.Pulse(_gate);
        }

        return _drained.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Cancels all requests after the step that runs, and waits for the thread.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            Monitor.Pulse(_gate);
        }

        _stopping.Cancel();
        // Work on the thread may dispose the engine that does it.
        if (Thread.CurrentThread != _thread) _thread.Join();
        _stopping.Dispose();
    }

    /// <summary>Lets the engine look again at what it can do.</summary>
    internal void Wake()
    {
        lock (_gate) Monitor.Pulse(_gate);
    }

    /// <summary>Ends a request that waits, and lets the engine end one that runs.</summary>
    internal void WakeForCancelled(GeneratedTokens tokens)
    {
        BatchSequence? waiting;
        lock (_gate)
        {
            waiting = _waiting.Remove(tokens);
            waiting?.End(cancelled: true);
            Monitor.Pulse(_gate);
        }

        waiting?.Leave();
    }

    private void ThrowIfClosed()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_isDraining) throw new InvalidOperationException("The engine is being drained and takes no more requests.");
    }

    private void Work()
    {
        var stopping = _stopping.Token;
        while (Await(out var work))
        {
            work?.Run(stopping);
            _batch.Step();
        }

        End();
    }

    /// <summary>Waits until there is something to do, and lets in who may run.</summary>
    /// <returns>Whether the engine goes on.</returns>
    private bool Await(out ExclusiveWork? work)
    {
        lock (_gate)
        {
            while (true)
            {
                work = null;
                if (_isDisposed) return false;
                while (_batch.HasRoom && _waiting.Next(_batch) is { } next) _batch.Add(next);
                if (_work.TryDequeue(out work) || _batch.CanStep) return true;
                if (_isDraining && _batch.Count == 0) _drained.TrySetResult();
                Monitor.Wait(_gate);
            }
        }
    }

    private void End()
    {
        _batch.End();
        lock (_gate)
        {
            while (_waiting.Next(_batch) is { } next)
            {
                next.End(cancelled: true);
                next.Leave();
            }

            while (_work.TryDequeue(out var work)) work.Cancel();
        }

        _drained.TrySetResult();
    }
}
