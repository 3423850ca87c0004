namespace FalconMamba.Generation.Speculation;

/// <summary>
/// Looks for the place where the last tokens stood before, and proposes what followed there: the longest sequence that is
/// found, and of its places the latest. What follows may reach into the proposal itself, so a text that repeats itself is
/// carried on. Saxena, "Prompt Lookup Decoding" (2023).
/// </summary>
/// <param name="longest">How many tokens are looked up at most.</param>
internal sealed class PromptLookup(int longest) : IDraft
{
    public void Propose(TokenHistory history, long position, Proposal proposal, int most, CancellationToken cancellationToken)
    {
        var ids = history.Ids;
        for (var size = Math.Min(longest, ids.Length - 1); size > 0; size--)
        {
            var found = ids[..^1].LastIndexOf(ids[^size..]);
            if (found < 0) continue;
            for (var next = found + size; proposal.Count < most; next++) proposal.Add(next < ids.Length ? ids[next] : proposal.Ids[next - ids.Length]);
            return;
        }
    }

    public void Dispose()
    {
    }
}
