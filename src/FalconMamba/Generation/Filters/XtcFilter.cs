namespace FalconMamba.Generation.Filters;

/// <summary>
/// XTC ("exclude top choices"): with a probability, drops all tokens above a threshold but the least likely of them. After
/// p-e-w's sampler as it is in llama.cpp; its own draw is indexed by the place as all are.
/// </summary>
internal sealed class XtcFilter(double probability, double threshold) : ICandidateFilter
{
    public void Apply(Candidates candidates, in DrawPlace draw)
    {
        if (draw.Uniform(DrawPurpose.Exclusion) >= probability) return;
        var choices = candidates.CountLikely(threshold);
        if (choices >= 2) candidates.DropLargest(choices - 1);
    }
}
