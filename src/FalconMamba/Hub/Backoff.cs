using System.Runtime.ExceptionServices;

namespace FalconMamba.Hub;

/// <summary>Repeats what may succeed later: after 1, 2, 4 and 8 seconds, or after as long as the hub asks for.</summary>
internal sealed class Backoff(TimeProvider time)
{
    private const int MostTries = 5;

    // Who is asked to wait longer had better come back another time.
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    private int _failures;

    /// <summary>Forgets the failures so far: something was reached since.</summary>
    public void Reset() => _failures = 0;

    /// <summary>Runs something until it succeeds or fails for good.</summary>
    /// <exception cref="HubException">It failed for good.</exception>
    public static async Task<T> RunAsync<T>(TimeProvider time, Func<Task<T>> work, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(time);
        while (true)
        {
            try
            {
                return await work().ConfigureAwait(false);
            }
            catch (HubException e) when (e.IsTransient)
            {
                await backoff.WaitAsync(e, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits before the next try.</summary>
    /// <exception cref="HubException">It is <paramref name="error"/>: there were tries enough.</exception>
    public async Task WaitAsync(HubException error, CancellationToken cancellationToken)
    {
        if (++_failures == MostTries || error.RetryAfter > LongestWait) ExceptionDispatchInfo.Throw(error);
        await Task.Delay(error.RetryAfter ?? TimeSpan.FromSeconds(1 << (_failures - 1)), time, cancellationToken).ConfigureAwait(false);
    }
}
