using System.Collections.Immutable;

namespace FalconMamba.Generation.Processors;

/// <summary>Makes end tokens likelier with every token behind a length: adds |x| · (factor^k − 1), k tokens behind it.</summary>
/// <param name="decay">Where it begins, counted from the prompt's end, and the factor.</param>
/// <param name="endIds">What ends the text.</param>
internal sealed class ExponentialDecayProcessor(ExponentialDecay decay, ImmutableArray<int> endIds) : ILogitsProcessor
{
    public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
    {
        var behind = ids.Length - ((long)decay.Start + promptLength);
        if (behind <= 0) return;
        // Beyond float's range an end token is certain, and a logit must stay finite.
        var growth = (float)Math.Min(Math.Pow(decay.Factor, behind) - 1, float.MaxValue);
        foreach (var id in endIds)
        {
            ref var logit = ref logits[id];
            if (float.IsFinite(logit)) logit = Math.Clamp(logit + (MathF.Abs(logit) * growth), float.MinValue, float.MaxValue);
        }
    }
}
