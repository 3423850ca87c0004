using System.Collections.Immutable;

namespace FalconMamba.Generation.Processors;

/// <summary>Adds to the logits of single tokens, and of a sequence's last token where the text ends with the rest of it.</summary>
internal sealed class SequenceBiasProcessor(ImmutableArray<SequenceBias> biases) : ILogitsProcessor
{
    /// <summary>Whether a sequence has tokens before its last one.</summary>
    public bool LooksBack => biases.Any(bias => bias.Ids.Length > 1);

    public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
    {
        foreach (var (sequence, bias) in biases)
            if (ids.EndsWith(sequence.AsSpan()[..^1])) logits[sequence[^1]] += (float)bias;
    }
}
