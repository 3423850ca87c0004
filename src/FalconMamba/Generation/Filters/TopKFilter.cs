namespace FalconMamba.Generation.Filters;

/// <summary>Keeps the k largest and everything that equals the k-th.</summary>
internal sealed class TopKFilter(int k, int minTokensToKeep = 1) : ICandidateFilter
{
    private readonly int _k = Math.Max(k, minTokensToKeep);

    public void Apply(Candidates candidates, in DrawPlace draw)
    {
        if (_k < candidates.Count) candidates.KeepFrom(candidates.KthLargest(_k));
    }
}
