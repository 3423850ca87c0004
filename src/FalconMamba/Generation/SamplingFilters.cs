namespace FalconMamba.Generation;

/// <summary>
/// The filters before a draw, with the meaning they have in transformers. Probabilities are computed in float64, so
/// only cases closer to a threshold than float32's rounding can differ from it.
/// </summary>
internal static class SamplingFilters
{
    // How many of the likeliest top-p looks at first, and the factor by which it looks at more: confident models rarely
    // need a second look.
    private const int FirstLook = 256;
    private const int LookFactor = 8;

    /// <summary>Divides the logits.</summary>
    public static void Temperature(Candidates candidates, double temperature) => candidates.Divide((float)temperature);

    /// <summary>Keeps the k largest and everything that equals the k-th.</summary>
    public static void TopK(Candidates candidates, int k, int minTokensToKeep = 1)
    {
        k = Math.Max(k, minTokensToKeep);
        if (k < candidates.Count) candidates.KeepFrom(candidates.KthLargest(k));
    }

    /// <summary>
    /// Keeps a token if those above it have less than <paramref name="p"/> of the probability: the smallest set that
    /// reaches it. At least one token stays.
    /// </summary>
    public static void TopP(Candidates candidates, double p, int minTokensToKeep = 1)
    {
        var target = 0.0;
        foreach (var weight in candidates.Weights()) target += weight;
        target *= p;

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

    /// <summary>Keeps tokens at least as likely as a fraction of the likeliest.</summary>
    public static void MinP(Candidates candidates, double minP, int minTokensToKeep = 1)
    {
        var likely = 0;
        foreach (var weight in candidates.Weights()) likely += weight >= minP ? 1 : 0;
        candidates.KeepLargest(Math.Max(likely, minTokensToKeep));
    }
}
