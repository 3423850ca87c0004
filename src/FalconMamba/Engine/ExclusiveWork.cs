namespace FalconMamba.Engine;

/// <summary>Work that has the engine's thread to itself between two steps.</summary>
internal sealed class ExclusiveWork(Action<CancellationToken> work, CancellationToken cancellationToken)
{
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration _registration;
    private int _claimed;

    /// <summary>Ends when the work has. What waits for it never runs on the engine's thread.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Ends the work at once when it is cancelled before it has begun.</summary>
    public void CancelWhileQueued() => _registration = cancellationToken.UnsafeRegister(static work => ((ExclusiveWork)work!).Cancel(), this);

    /// <summary>Ends the work if it has not begun.</summary>
    public void Cancel()
    {
        if (!TryClaim()) return;
        _completion.TrySetCanceled(cancellationToken.IsCancellationRequested ? cancellationToken : CancellationToken.None);
        _registration.Unregister();
    }

    /// <summary>Does the work unless it was cancelled.</summary>
    /// <param name="stopping">Tells that the engine ends.</param>
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
            _completion.TrySetCanceled(cancellationToken.IsCancellationRequested ? cancellationToken : CancellationToken.None);
        }
        catch (Exception e)
        {
            _completion.TrySetException(e);
        }
        finally
        {
            _registration.Unregister();
        }
    }

    private bool TryClaim() => Interlocked.Exchange(ref _claimed, 1) == 0;
}
