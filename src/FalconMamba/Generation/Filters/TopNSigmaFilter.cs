namespace FalconMamba.Generation.Filters;

/// <summary>
/// Keeps the tokens whose logit is within n standard deviations of the largest, whatever the temperature: Tang and others,
/// "Top-nσ" (2024).
/// </summary>
internal sealed class TopNSigmaFilter(double n) : ICandidateFilter
{
    public void Apply(Candidates candidates, in DrawPlace draw)
    {
        var (sum, squares) = (0.0, 0.0);
        foreach (var logit in candidates.Logits) sum += logit;
        var mean = sum / candidates.Count;
        foreach (var logit in candidates.Logits) squares += (logit - mean) * (logit - mean);
        var least = ArgMax.FiniteMaximum(candidates.Logits) - (n * Math.Sqrt(squares / candidates.Count));
        candidates.KeepFrom((float)Math.Max(least, float.MinValue));
    }
}
