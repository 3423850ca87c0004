using System.Collections.Immutable;

namespace FalconMamba.Generation.Processors;

/// <summary>Forbids end tokens before the text is long enough.</summary>
/// <param name="length">Tokens that must come first.</param>
/// <param name="countsPrompt">Whether the prompt's tokens count.</param>
/// <param name="endIds">What ends the text.</param>
internal sealed class MinimumLengthProcessor(int length, bool countsPrompt, ImmutableArray<int> endIds) : ILogitsProcessor
{
    public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
    {
        if (ids.Length - (countsPrompt ? 0 : promptLength) >= length) return;
        foreach (var id in endIds) logits[id] = float.NegativeInfinity;
    }
}
