namespace FalconMamba.Generation.Filters;

/// <summary>Keeps tokens at least as likely as a fraction of the likeliest: Nguyen and others, "Min-p" (2024).</summary>
internal sealed class MinPFilter(double fraction, int minTokensToKeep = 1) : ICandidateFilter
{
    public void Apply(Candidates candidates, in DrawPlace draw) =>
        candidates.KeepLargest(Math.Max(candidates.CountFrom(fraction), minTokensToKeep));
}
