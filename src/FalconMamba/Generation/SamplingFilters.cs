namespace FalconMamba.Generation;

/// <summary>
/// The filters before a draw, with the meaning they have in transformers. Probabilities are computed in float64, so
/// only cases closer to a threshold than float32's rounding can differ from it.
/// </summary>
internal static class SamplingFilters
{
    // The first part that top-p sorts: confident models rarely need more.
    private const int FirstSorted = 256;

    /// <summary>Divides the logits; a quotient beyond float's range becomes its largest finite value.</summary>
    public static void Temperature(Candidates candidates, double temperature)
    {
        var divisor = (float)temperature;
        foreach (ref var logit in candidates.Logits) logit = Math.Clamp(logit / divisor, float.MinValue, float.MaxValue);
    }

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
        var largest = candidates.Largest;
        var target = 0.0;
        foreach (var logit in candidates.Logits) target += Math.Exp(logit - largest);
        target *= p;

        var sorted = Math.Min(FirstSorted, candidates.Count);
        var descending = candidates.DescendingPrefix(sorted);
        var kept = 0;
        for (var mass = 0.0; kept < descending.Length && (mass < target || kept < minTokensToKeep); kept++)
        {
            if (kept == sorted)
            {
                sorted = Math.Min(4 * sorted, descending.Length);
                Candidates.ExtendDescending(descending, kept, sorted);
            }

            mass += Math.Exp(descending[kept] - largest);
        }

        candidates.KeepLargest(Math.Max(kept, 1));
    }

    /// <summary>Keeps tokens at least as likely as a fraction of the likeliest.</summary>
    public static void MinP(Candidates candidates, double minP, int minTokensToKeep = 1)
    {
        var largest = candidates.Largest;
        var likely = 0;
        foreach (var logit in candidates.Logits) if (Math.Exp(logit - largest) >= minP) likely++;
        candidates.KeepLargest(Math.Max(likely, minTokensToKeep));
    }
}
