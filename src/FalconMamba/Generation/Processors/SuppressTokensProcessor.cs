using System.Collections.Immutable;

namespace FalconMamba.Generation.Processors;

/// <summary>Forbids tokens, everywhere or at one place only.</summary>
/// <param name="tokens">What is forbidden.</param>
/// <param name="onlyBehindPrompt">Only as the first token of the output.</param>
/// <param name="skipsForcedBos">The first token behind a prompt of one token is forced, so the next one counts as the first.</param>
internal sealed class SuppressTokensProcessor(ImmutableArray<int> tokens, bool onlyBehindPrompt = false, bool skipsForcedBos = false) : ILogitsProcessor
{
    /// <summary>Whether it depends on the place.</summary>
    public bool LooksBack => onlyBehindPrompt;

    public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
    {
        if (onlyBehindPrompt && ids.Length != promptLength + (skipsForcedBos && promptLength <= 1 ? 1 : 0)) return;
        foreach (var id in tokens) logits[id] = float.NegativeInfinity;
    }
}
