namespace FalconMamba.Generation.Filters;

/// <summary>Drops tokens less likely than a threshold: Hewitt and others, "Truncation sampling as language model desmoothing" (2022).</summary>
internal sealed class EpsilonCutoffFilter(double epsilon, int minTokensToKeep = 1) : ICandidateFilter
{
    public void Apply(Candidates candidates, in DrawPlace draw) => Keep(candidates, candidates.CountLikely(epsilon), minTokensToKeep);

    /// <summary>Keeps so many of the likeliest, and all that equal the last of them.</summary>
    public static void Keep(Candidates candidates, int likely, int minTokensToKeep) =>
        candidates.KeepFrom(candidates.KthLargest(Math.Min(Math.Max(likely, minTokensToKeep), candidates.Count)));
}

/// <summary>The same with a threshold that falls with the entropy: min(ε, √ε · exp(−H)).</summary>
internal sealed class EtaCutoffFilter(double epsilon, int minTokensToKeep = 1) : ICandidateFilter
{
    public void Apply(Candidates candidates, in DrawPlace draw)
    {
        var weights = candidates.Weights(out var total);
        var threshold = Math.Min(epsilon, Math.Sqrt(epsilon) * Math.Exp(-candidates.Entropy(weights, total)));
        EpsilonCutoffFilter.Keep(candidates, Candidates.CountFrom(threshold * total, weights), minTokensToKeep);
    }
}
