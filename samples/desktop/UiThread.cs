using System.Collections.Concurrent;

namespace FalconMamba.Samples.Desktop;

/// <summary>
/// The heart of every desktop toolkit, WPF, WinForms, Avalonia or MAUI: one thread that takes events from a queue. What awaits on
/// this thread goes on as one more event, so code behind an await may touch the window, and between two events the window lives.
/// </summary>
internal sealed class UiThread : SynchronizationContext
{
    private readonly BlockingCollection<Action> _events = [];

    /// <summary>Runs events on the caller's thread until <see cref="Quit"/>.</summary>
    public void Run()
    {
        SetSynchronizationContext(this);
        foreach (var happening in _events.GetConsumingEnumerable()) happening();
    }

    /// <summary>Queues an event, from any thread.</summary>
    public void Post(Action happening)
    {
        if (!_events.IsAddingCompleted) _events.Add(happening);
    }

    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state) => Post(() => d(state));

    /// <summary>Ends <see cref="Run"/> after the events that wait.</summary>
    public void Quit() => _events.CompleteAdding();
}
