using System.Runtime.CompilerServices;
using FalconMamba.Engine;

namespace FalconMamba.Extensions.AI;

/// <summary>One client's requests to an engine, which end with the client.</summary>
internal sealed class ClientRequests(FalconMambaEngine engine, bool ownsEngine, string client) : IDisposable
{
    private readonly CancellationTokenSource _disposal = new();
    private int _disposed;

    /// <summary>Refuses requests to a disposed client.</summary>
    public void ThrowIfDisposed()
    {
        if (Volatile.Read(ref _disposed) != 0) throw Disposed();
    }

    /// <summary>What cancels a request: its caller, or the end of the client.</summary>
    public CancellationTokenSource Link(CancellationToken cancellationToken)
    {
        lock (_disposal)
        {
            ThrowIfDisposed();
            return CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposal.Token);
        }
    }

    /// <summary>Waits for a request's work, and tells a caller's cancellation from the end of client or engine.</summary>
    /// <param name="work">The work.</param>
    /// <param name="cancellationToken">The caller's.</param>
    public async Task Finish(Task work, CancellationToken cancellationToken)
    {
        try
        {
            await work.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Disposed();
        }
    }

    /// <summary>Reads a request's tokens to the end, which is told in the same way.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="cancellationToken">The caller's.</param>
    public async IAsyncEnumerable<GeneratedToken> Read(GeneratedTokens tokens, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var reader = tokens.GetAsyncEnumerator(CancellationToken.None);
        while (true)
        {
            var next = reader.MoveNextAsync().AsTask();
            await Finish(next, cancellationToken).ConfigureAwait(false);
            if (!await next.ConfigureAwait(false)) yield break;
            yield return reader.Current;
        }
    }

    /// <summary>Cancels what runs and what waits.</summary>
    public void Dispose()
    {
        lock (_disposal)
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        }

        _disposal.Cancel();
        _disposal.Dispose();
        if (ownsEngine) engine.Dispose();
    }

    private ObjectDisposedException Disposed() => new(client, "The client, or the engine behind it, was disposed.");
}
