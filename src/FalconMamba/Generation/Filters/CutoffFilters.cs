namespace FalconMamba.Generation.Filters;

/// <summary>Drops tokens less likely than a threshold: Hewitt and others, "Truncation sampling as language model desmoothing" (2022).</summary>
internal sealed class EpsilonCutoffFilter(double epsilon, int minTokensToKeep = 1) : ICandidateFilter
{
    public void Apply(Candidates candidates, in DrawPlace draw) => Keep(candidates, epsilon, minTokensToKeep);

    /// <summary>Keeps tokens at least so likely, and the likeliest with all that equal the last of them.</summary>
    public static void Keep(Candidates candidates, double probability, int minTokensToKeep)
    {
        var likely = candidates.CountFrom(probability * candidates.TotalWeight());
        candidates.KeepFrom(candidates.KthLargest(Math.Min(Math.Max(likely, minTokensToKeep), candidates.Count)));
    }
}

/// <summary>The same with a threshold that falls with the entropy: min(ε, √ε · exp(−H)).</summary>
internal sealed class EtaCutoffFilter(double epsilon, int minTokensToKeep = 1) : ICandidateFilter
{
    public void Apply(Candidates candidates, in DrawPlace draw) =>
        EpsilonCutoffFilter.Keep(candidates, Math.Min(epsilon, Math.Sqrt(epsilon) * Math.Exp(-candidates.Entropy())), minTokensToKeep);
}
