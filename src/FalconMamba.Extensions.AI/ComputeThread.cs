namespace FalconMamba.Extensions.AI;

/// <summary>
/// One thread that works through requests in the order in which they came: a model runs one forward pass at a time, and the
/// thread pool is not held up by it.
/// </summary>
internal sealed class ComputeThread : IDisposable
{
    private readonly object _gate = new();
    private readonly Queue<Job> _jobs = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Thread _thread;
    private bool _stopped;

    /// <summary>Starts the thread.</summary>
    /// <param name="name">What a debugger calls it.</param>
    public ComputeThread(string name)
    {
        _thread = new Thread(Work) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Queues work.</summary>
    /// <param name="work">Runs on the thread; its token tells that the caller does not want it any more, or that the thread is to end.</param>
    /// <param name="cancellationToken">Cancels; work that has not begun then never does.</param>
    /// <returns>Ends when the work has; cancelled, or with its exception, where it was. What waits for it never runs on this thread.</returns>
    /// <exception cref="ObjectDisposedException">The thread was told to end.</exception>
    public Task Run(Action<CancellationToken> work, CancellationToken cancellationToken)
    {
        var job = new Job(work, cancellationToken);
        job.CancelWhileQueued();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopped, this);
            _jobs.Enqueue(job);
            Monitor.Pulse(_gate);
        }

        return job.Completion;
    }

    /// <summary>Cancels the work that runs and all that is queued, and waits for the thread.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stopped) return;
            _stopped = true;
            Monitor.Pulse(_gate);
        }

        _stopping.Cancel();
        // A logger that runs on the thread may dispose what it logs of.
        if (Thread.CurrentThread != _thread) _thread.Join();
        _stopping.Dispose();
    }

    private void Work()
    {
        var stopping = _stopping.Token;
        while (Next() is { } job) job.Run(stopping);
    }

    private Job? Next()
    {
        lock (_gate)
        {
            while (_jobs.Count == 0 && !_stopped) Monitor.Wait(_gate);
            return _jobs.TryDequeue(out var job) ? job : null;
        }
    }

    private sealed class Job(Action<CancellationToken> work, CancellationToken cancellationToken)
    {
        private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private CancellationTokenRegistration _registration;
        private int _claimed;

        public Task Completion => _completion.Task;

        public void CancelWhileQueued() => _registration = cancellationToken.UnsafeRegister(
            static job =>
            {
                if (((Job)job!).TryClaim()) ((Job)job)._completion.TrySetCanceled();
            },
            this);

        public void Run(CancellationToken stopping)
        {
            if (!TryClaim()) return;
            try
            {
                using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
                cancellation.Token.ThrowIfCancellationRequested();
                work(cancellation.Token);
                _completion.TrySetResult();
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested || stopping.IsCancellationRequested)
            {
                _completion.TrySetCanceled(CancellationToken.None);
            }
            catch (Exception e)
            {
                _completion.TrySetException(e);
            }
            finally
            {
                _registration.Dispose();
            }
        }

        private bool TryClaim() => Interlocked.Exchange(ref _claimed, 1) == 0;
    }
}
