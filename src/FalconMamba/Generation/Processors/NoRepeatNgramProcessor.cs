namespace FalconMamba.Generation.Processors;

/// <summary>Forbids every token that would complete a sequence of n tokens which is in the text already.</summary>
/// <param name="size">n; with 1 no token comes twice.</param>
internal sealed class NoRepeatNgramProcessor(int size) : ILogitsProcessor
{
    public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
    {
        if (ids.Length < size) return;
        var beginning = ids[(ids.Length - size + 1)..];
        // A beginning with a token behind it lies in all but the last token.
        for (var at = 0; at + size <= ids.Length; at++)
        {
            if (!beginning.IsEmpty)
            {
                var next = ids[at..^1].IndexOf(beginning);
                if (next < 0) return;
                at += next;
            }

            logits[ids[at + size - 1]] = float.NegativeInfinity;
        }
    }
}
