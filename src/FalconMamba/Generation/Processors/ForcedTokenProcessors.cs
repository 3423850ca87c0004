using System.Collections.Immutable;

namespace FalconMamba.Generation.Processors;

/// <summary>Forbids all but one token behind a text of one token.</summary>
/// <param name="id">That token.</param>
internal sealed class ForcedBosProcessor(int id) : ILogitsProcessor
{
    public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
    {
        if (ids.Length != 1) return;
        logits.Fill(float.NegativeInfinity);
        logits[id] = 0;
    }
}

/// <summary>Forbids all but end tokens for the last token there is room for.</summary>
/// <param name="maxLength">The room, where the prompt counts; null if it does not.</param>
/// <param name="maxNewTokens">The room behind the prompt; null if the prompt counts.</param>
/// <param name="endIds">The tokens that stay.</param>
internal sealed class ForcedEosProcessor(int? maxLength, int? maxNewTokens, ImmutableArray<int> endIds) : ILogitsProcessor
{
    public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
    {
        if (ids.Length != (maxLength ?? (promptLength + maxNewTokens)) - 1) return;
        logits.Fill(float.NegativeInfinity);
        foreach (var id in endIds) logits[id] = 0;
    }
}
