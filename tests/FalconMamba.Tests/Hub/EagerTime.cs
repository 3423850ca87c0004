using System.Collections.Concurrent;

namespace FalconMamba.Tests.Hub;

/// <summary>A clock on which every wait is over at once; it keeps how long they would have been.</summary>
public sealed class EagerTime : TimeProvider
{
    private readonly ConcurrentQueue<TimeSpan> _waits = new();

    public IReadOnlyCollection<TimeSpan> Waits => _waits;

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero) + _waits.Aggregate(TimeSpan.Zero, (sum, wait) => sum + wait);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new EagerTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class EagerTimer(EagerTime time, Action callback) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == Timeout.InfiniteTimeSpan) return true;
            time._waits.Enqueue(dueTime);
            ThreadPool.QueueUserWorkItem(_ => callback());
            return true;
        }

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
