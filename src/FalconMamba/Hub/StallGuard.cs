namespace FalconMamba.Hub;

/// <summary>Cancels what waits on a connection that gives nothing for too long.</summary>
internal sealed class StallGuard : IDisposable
{
    private readonly TimeSpan _timeout;
    private readonly CancellationTokenSource _stalled, _either;

    public StallGuard(TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        _timeout = timeout;
        _stalled = new CancellationTokenSource(timeout, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_stalled.Token, cancellationToken);
    }

    /// <summary>Cancelled by the caller, or after the timeout.</summary>
    public CancellationToken Token => _either.Token;

    /// <summary>Something came: the time begins anew.</summary>
    public void Touch() => _stalled.CancelAfter(_timeout);

    /// <summary>Whether an exception tells of a connection that broke or stalled, and not of the caller's own wish.</summary>
    public static bool IsBroken(Exception e, CancellationToken cancellationToken) =>
        e is HttpRequestException or (IOException and not HubException) || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    public void Dispose()
    {
        _either.Dispose();
        _stalled.Dispose();
    }
}
