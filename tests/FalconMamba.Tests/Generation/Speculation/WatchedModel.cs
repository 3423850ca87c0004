using FalconMamba.Model;

namespace FalconMamba.Tests.Generation.Speculation;

/// <summary>A model that tells of each part of its forward passes.</summary>
internal sealed class WatchedModel(IModelRunner inner) : IModelRunner
{
    private int _parts;

    /// <summary>Called behind each part of a pass with its number, from 1.</summary>
    public Action<int>? OnForward { get; set; }

    public FalconMambaConfig Config => inner.Config;

    public string Fingerprint => inner.Fingerprint;

    public RecurrentState CreateState() => inner.CreateState();

    public void Forward(
        ReadOnlySpan<Chunk> chunks, Span<float> logits, Span<float> hidden = default, IActivationTap? tap = null, IProgress<int>? progress = null, CancellationToken cancellationToken = default) =>
        inner.Forward(chunks, logits, hidden, tap, new Parts(() => OnForward?.Invoke(++_parts)), cancellationToken);

    public void RollBack(RecurrentState state, long tokenCount) => inner.RollBack(state, tokenCount);

    public void Dispose()
    {
    }

    private sealed class Parts(Action tell) : IProgress<int>
    {
        public void Report(int value) => tell();
    }
}
