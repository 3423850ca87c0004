namespace FalconMamba.Generation.Filters;

/// <summary>
/// Drops tokens before a draw, or changes their logits. It sees only what can still be drawn, so that what follows a narrow
/// filter costs next to nothing. Probabilities are computed in float64: only cases closer to a threshold than float32's
/// rounding can differ from transformers.
/// </summary>
internal interface ICandidateFilter
{
    /// <summary>Filters; at least one candidate stays.</summary>
    /// <param name="candidates">What can still be drawn.</param>
    /// <param name="draw">The place of the draw, for filters that draw themselves.</param>
    void Apply(Candidates candidates, in DrawPlace draw);
}
