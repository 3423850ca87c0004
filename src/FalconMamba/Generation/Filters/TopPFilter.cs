namespace FalconMamba.Generation.Filters;

/// <summary>
/// Keeps a token if those above it have less than p of the probability: the smallest set that reaches it. At least one token
/// stays. Holtzman and others, "The curious case of neural text degeneration" (2019).
/// </summary>
internal sealed class TopPFilter(double p, int minTokensToKeep = 1) : ICandidateFilter
{
    // How many of the likeliest it looks at first, and the factor by which it looks at more: confident models rarely need a
    // second look.
    private const int FirstLook = 256;
    private const int LookFactor = 8;

    public void Apply(Candidates candidates, in DrawPlace draw)
    {
        var target = p * candidates.TotalWeight();
        var seen = Math.Min(FirstLook, candidates.Count);
        var descending = candidates.LargestDescending(seen);
        var largest = descending[0];
        var kept = 0;
        for (var mass = 0.0; mass < target || kept < minTokensToKeep; kept++)
        {
            if (kept == candidates.Count) return;
            if (kept == seen)
            {
                seen = (int)Math.Min((long)LookFactor * seen, candidates.Count);
                descending = candidates.LargestDescending(seen);
            }

            mass += Math.Exp((double)descending[kept] - largest);
        }

        kept = Math.Max(kept, 1);
        candidates.KeepLargest(kept, descending[kept - 1]);
    }
}
