using FalconMamba.Model;

namespace FalconMamba.Tests.Engine;

/// <summary>A model, watched: what its forward passes are asked for, and how many states were made.</summary>
internal sealed class WatchedModel(IModelRunner inner) : IModelRunner
{
    /// <summary>Called at the beginning of each forward pass with its number, from 1, and the tokens of its chunks.</summary>
    public Action<int, int[]>? OnForward { get; set; }

    /// <summary>How many forward passes there were.</summary>
    public int Forwards { get; private set; }

    /// <summary>How many chunks a pass had at most.</summary>
    public int MostChunks { get; private set; }

    /// <summary>The states that were made, but for those that are gone long since.</summary>
    public List<WeakReference<RecurrentState>> States { get; } = [];

    public FalconMambaConfig Config => inner.Config;

    public string Fingerprint => inner.Fingerprint;

    public RecurrentState CreateState()
    {
        var state = inner.CreateState();
        if (States.Count % 1000 == 999) States.RemoveAll(reference => !reference.TryGetTarget(out _));
        States.Add(new WeakReference<RecurrentState>(state));
        return state;
    }

    public void Forward(
        ReadOnlySpan<Chunk> chunks, Span<float> logits, Span<float> hidden = default, IActivationTap? tap = null, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        Assert.False(Thread.CurrentThread.IsThreadPoolThread);
        Forwards++;
        MostChunks = Math.Max(MostChunks, chunks.Length);
        OnForward?.Invoke(Forwards, [.. chunks.ToArray().Select(chunk => chunk.Tokens.Length)]);
        inner.Forward(chunks, logits, hidden, tap, progress, cancellationToken);
    }

    public void RollBack(RecurrentState state, long tokenCount) => inner.RollBack(state, tokenCount);

    public void Dispose()
    {
    }

    /// <summary>Holds that all states that are still there were disposed.</summary>
    public void AssertNoStateIsLeft()
    {
        foreach (var reference in States)
            if (reference.TryGetTarget(out var state)) Assert.Throws<ObjectDisposedException>(state.Fork);
    }
}
