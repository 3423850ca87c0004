namespace FalconMamba.Generation.Speculation;

/// <summary>
/// Chooses a token with the model's distribution p, given one that was drawn from another, q: it stays with the probability
/// min(1, p/q), else one is drawn from what p has more than q, max(0, p − q). Leviathan, Kalman, Matias: "Fast Inference from
/// Transformers via Speculative Decoding" (2023).
/// </summary>
internal static class AcceptanceRule
{
    /// <summary>Chooses a token.</summary>
    /// <param name="candidates">What can be drawn, with the model's probabilities.</param>
    /// <param name="drafted">The token drawn from q.</param>
    /// <param name="chances">q [V].</param>
    /// <param name="place">Where the draw is made.</param>
    /// <param name="probability">The chosen token's probability under p.</param>
    public static int Choose(Candidates candidates, int drafted, ReadOnlySpan<double> chances, in DrawPlace place, out double probability)
    {
        var weights = candidates.Weights(out var total);
        // Candidates stay in the order of their ids.
        var at = candidates.Ids.BinarySearch(drafted);
        probability = at < 0 ? 0 : weights[at] / total;
        if (Accepts(place.Uniform(DrawPurpose.Draft), probability, chances[drafted])) return drafted;
        var rest = Subtract(weights, total, candidates.Ids, chances);
        // Only rounding can reject where the two are the same.
        if (rest == 0) return candidates.Draw(place.Uniform(DrawPurpose.Token), out probability);
        var chosen = Candidates.PlaceOf(weights, rest, place.Uniform(DrawPurpose.Token));
        var id = candidates.Ids[chosen];
        probability = weights[chosen] + chances[id];
        return id;
    }

    /// <summary>Whether a token that was drawn with a chance stays, of which the model has another.</summary>
    public static bool Accepts(double uniform, double probability, double chance) => uniform * chance < probability;

    /// <summary>Leaves of the weights what their probabilities have more than the chances, and returns its sum.</summary>
    public static double Subtract(Span<double> weights, double total, ReadOnlySpan<int> ids, ReadOnlySpan<double> chances)
    {
        for (var i = 0; i < weights.Length; i++) weights[i] = Math.Max(0, (weights[i] / total) - chances[ids[i]]);
        return Candidates.Sum(weights);
    }
}
