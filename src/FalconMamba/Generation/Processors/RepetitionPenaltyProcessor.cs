namespace FalconMamba.Generation.Processors;

/// <summary>
/// Makes every token seen less likely, once: divides its logit if it is positive, multiplies it if it is negative. Keskar and
/// others, "CTRL" (2019), with transformers' care for negative logits.
/// </summary>
/// <param name="penalty">Above 1 to hold back, below 1 to favour.</param>
/// <param name="promptIgnoreLength">First tokens that do not count as seen.</param>
internal sealed class RepetitionPenaltyProcessor(double penalty, int promptIgnoreLength = 0) : ILogitsProcessor
{
    public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
    {
        var seen = ids[Math.Min(promptIgnoreLength, ids.Length)..];
        var counts = TokenCounts.Rent(logits.Length);
        var factor = (float)penalty;
        foreach (var id in seen)
        {
            if (counts[id]++ > 0) continue;
            ref var logit = ref logits[id];
            logit = logit < 0 ? logit * factor : logit / factor;
        }

        TokenCounts.Return(counts, seen);
    }
}
