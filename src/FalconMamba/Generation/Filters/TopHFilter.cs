namespace FalconMamba.Generation.Filters;

/// <summary>
/// Of the hundred likeliest tokens, keeps the first whose parts of the entropy stay within a share of it: "Top-H decoding"
/// (2025).
/// </summary>
/// <remarks>
/// With a share near 1, or with equal logits, the last bit decides how many stay. So it is computed in float32, with sums in
/// the order in which PyTorch makes them of eight lanes; only the running sum is float64, as there.
/// </remarks>
internal sealed class TopHFilter(double share) : ICandidateFilter
{
    private const int Most = 100;
    private const int Lanes = 8;
    private const int Accumulators = 4;

    public void Apply(Candidates candidates, in DrawPlace draw)
    {
        // What is forbidden takes part with probability 0 if there are fewer than a hundred tokens: it has a place in the sums.
        var length = Math.Min(Most, candidates.Vocabulary);
        var count = Math.Min(length, candidates.Count);
        var logits = candidates.LargestDescending(count);
        Span<float> terms = stackalloc float[Most], logs = stackalloc float[Most], probabilities = stackalloc float[Most];
        terms.Clear();
        probabilities.Clear();

        for (var i = 0; i < count; i++) terms[i] = MathF.Exp(logits[i] - logits[0]);
        var normalizer = MathF.Log(CascadeSum(terms[..length])) + logits[0];
        for (var i = 0; i < count; i++) logs[i] = logits[i] - normalizer;
        for (var i = 0; i < count; i++) terms[i] = MathF.Exp(logs[i] - logs[0]);
        var factor = 1 / LaneSum(terms[..length]);
        for (var i = 0; i < count; i++) probabilities[i] = terms[i] * factor;
        for (var i = 0; i < count; i++) terms[i] = logs[i] * probabilities[i];
        var limit = -CascadeSum(terms[..length]) * (float)share;

        var kept = 0;
        var sum = 0.0;
        // Not a number where a probability is 0, which ends it too.
        do sum += -probabilities[kept] * MathF.Log(probabilities[kept]);
        while ((kept == 0 || (float)sum <= limit) && ++kept < count);
        candidates.KeepLargest(kept);
    }

    // As torch.sum: vectors in turn into four accumulators, these into the first, its lanes behind the rest.
    private static float CascadeSum(ReadOnlySpan<float> values)
    {
        Span<float> sums = stackalloc float[Accumulators * Lanes];
        sums.Clear();
        var vectors = values.Length / Lanes;
        for (var vector = 0; vector < vectors; vector++)
        {
            var accumulator = vector < vectors / Accumulators * Accumulators ? vector % Accumulators : 0;
            for (var lane = 0; lane < Lanes; lane++) sums[(accumulator * Lanes) + lane] += values[(vector * Lanes) + lane];
        }

        for (var i = Lanes; i < sums.Length; i++) sums[i % Lanes] += sums[i];
        var sum = 0f;
        foreach (var value in values[(vectors * Lanes)..]) sum += value;
        foreach (var value in sums[..Lanes]) sum += value;
        return sum;
    }

    // As the sum in torch.softmax: vectors in turn into one, then its halves.
    private static float LaneSum(ReadOnlySpan<float> values)
    {
        Span<float> sums = stackalloc float[Lanes];
        sums.Clear();
        for (var i = 0; i < values.Length; i++) sums[i % Lanes] += values[i];
        for (var width = Lanes / 2; width > 0; width /= 2)
            for (var lane = 0; lane < width; lane++) sums[lane] += sums[lane + width];
        return sums[0];
    }
}
