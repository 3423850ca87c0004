using FalconMamba.Model;

namespace FalconMamba.Tests.Sessions;

/// <summary>A model that counts the tokens it reads.</summary>
internal sealed class CountingModel(FalconMambaModel model) : IModelRunner
{
    private long _tokens;

    /// <summary>The tokens read since the last time this was asked.</summary>
    public long TakeCount() => Interlocked.Exchange(ref _tokens, 0);

    public FalconMambaConfig Config => model.Config;

    public string Fingerprint => model.Fingerprint;

    public RecurrentState CreateState() => model.CreateState();

    public void Forward(
        ReadOnlySpan<Chunk> chunks,
        Span<float> logits,
        Span<float> hidden = default,
        IActivationTap? tap = null,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default)
    {
        foreach (var chunk in chunks) Interlocked.Add(ref _tokens, chunk.Tokens.Length);
        model.Forward(chunks, logits, hidden, tap, progress, cancellationToken);
    }

    public void RollBack(RecurrentState state, long tokenCount) => model.RollBack(state, tokenCount);

    public void Dispose() => model.Dispose();
}
