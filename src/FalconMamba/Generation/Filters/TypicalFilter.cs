namespace FalconMamba.Generation.Filters;

/// <summary>
/// Keeps the tokens whose surprise is closest to the expected one until their probabilities reach a mass: Meister and others,
/// "Locally typical sampling" (2022).
/// </summary>
internal sealed class TypicalFilter(double mass, int minTokensToKeep = 1) : ICandidateFilter
{
    public void Apply(Candidates candidates, in DrawPlace draw)
    {
        var weights = candidates.Weights(out var total);
        var entropy = candidates.Entropy(weights, total);
        var distances = candidates.Surprises(total, entropy);
        var farthest = Selection.QuantileAscending(distances, weights, mass * total);
        if (minTokensToKeep > 1)
        {
            distances.Sort();
            farthest = Math.Max(farthest, distances[Math.Min(minTokensToKeep, distances.Length) - 1]);
        }

        // Selecting has moved them about.
        candidates.KeepUpTo(candidates.Surprises(total, entropy), farthest);
    }
}
