using FalconMamba.Model;

namespace FalconMamba.Cli.Bench;

/// <summary>An assistant that takes no time and is always sure of the same token; its states read nothing.</summary>
/// <param name="model">Makes the states.</param>
/// <param name="id">The token.</param>
internal sealed class WrongModel(IModelRunner model, int id) : IModelRunner
{
    public FalconMambaConfig Config => model.Config;

    public string Fingerprint => model.Fingerprint;

    public RecurrentState CreateState() => model.CreateState();

    public void Forward(
        ReadOnlySpan<Chunk> chunks, Span<float> logits, Span<float> hidden = default, IActivationTap? tap = null, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        logits.Clear();
        if (!logits.IsEmpty) logits[id] = 1;
    }

    public void RollBack(RecurrentState state, long tokenCount)
    {
    }

    public void Dispose()
    {
    }
}
