using FalconMamba.Model;

namespace FalconMamba.Extensions.AI.Tests;

/// <summary>The shipped model, watched: what it is asked for, and, where there is a script, made to say it.</summary>
internal sealed class ScriptedModel(IModelRunner inner) : IModelRunner
{
    private int _running;

    /// <summary>The tokens it says, whatever it is asked; null for its own.</summary>
    public Queue<int>? Script { get; set; }

    /// <summary>Called at the beginning of each forward pass with its number, from 1.</summary>
    public Action<int>? OnForward { get; set; }

    /// <summary>How many forward passes there were.</summary>
    public int Forwards { get; private set; }

    /// <summary>How many ran at once at most.</summary>
    public int MostAtOnce { get; private set; }

    /// <summary>All states that were made.</summary>
    public List<RecurrentState> States { get; } = [];

    /// <summary>Whether it is disposed.</summary>
    public bool IsDisposed { get; private set; }

    public FalconMambaConfig Config => inner.Config;

    public string Fingerprint => inner.Fingerprint;

    public RecurrentState CreateState()
    {
        var state = inner.CreateState();
        States.Add(state);
        return state;
    }

    public void Forward(
        ReadOnlySpan<Chunk> chunks, Span<float> logits, Span<float> hidden = default, IActivationTap? tap = null, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        MostAtOnce = Math.Max(MostAtOnce, Interlocked.Increment(ref _running));
        Assert.False(Thread.CurrentThread.IsThreadPoolThread);
        Forwards++;
        OnForward?.Invoke(Forwards);
        try
        {
            inner.Forward(chunks, logits, hidden, tap, progress, cancellationToken);
            // It speaks where it is asked: inside a prompt it is not.
            if (Script is null || logits.IsEmpty || chunks[^1].Logits == RowSelection.None || !Script.TryDequeue(out var id)) return;
            logits.Clear();
            logits[id] = 100;
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    public void RollBack(RecurrentState state, long tokenCount) => inner.RollBack(state, tokenCount);

    public void Dispose()
    {
        IsDisposed = true;
        inner.Dispose();
    }
}
