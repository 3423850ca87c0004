namespace FalconMamba.Generation.Processors;

/// <summary>
/// Makes generated tokens less likely, by how often they came and by whether they came: logits − frequency · count − presence.
/// The prompt does not count, as with OpenAI's parameters.
/// </summary>
/// <param name="frequency">Subtracted once an occurrence.</param>
/// <param name="presence">Subtracted once a token.</param>
internal sealed class CountPenaltyProcessor(double frequency, double presence) : ILogitsProcessor
{
    public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
    {
        var generated = ids[promptLength..];
        var counts = TokenCounts.Rent(logits.Length);
        foreach (var id in generated) counts[id]++;
        foreach (var id in generated)
        {
            if (counts[id] == 0) continue;
            logits[id] -= (float)frequency * counts[id];
            logits[id] -= (float)presence;
            counts[id] = 0;
        }
    }
}
