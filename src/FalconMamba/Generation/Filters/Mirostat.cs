namespace FalconMamba.Generation.Filters;

/// <summary>
/// Steers the surprise of the text towards a target: before a draw, drops what is too surprising; after it, moves the limit by
/// the error. Basu and others, "Mirostat" (2020), in the two versions of llama.cpp. The limit is the sequence's and kept in
/// its history.
/// </summary>
/// <param name="version">1 estimates Zipf's exponent and keeps the k likeliest, 2 drops what surprises more than the limit.</param>
/// <param name="tau">The surprise aimed at, in bits.</param>
/// <param name="eta">How fast the limit follows.</param>
internal sealed class Mirostat(int version, double tau, double eta)
{
    // Version 1 estimates the exponent of Zipf's law from so many of the likeliest.
    private const int Sample = 100;

    /// <summary>The limit before the first draw.</summary>
    public double FirstLimit => 2 * tau;

    /// <summary>Drops what is too surprising under the limit; at least one token stays.</summary>
    /// <param name="candidates">What can be drawn.</param>
    /// <param name="limit">The limit in bits.</param>
    /// <param name="vocabulary">How many tokens there are at all.</param>
    public void Truncate(Candidates candidates, double limit, int vocabulary)
    {
        if (version == 1) candidates.KeepLargest(RankLimit(candidates, limit, vocabulary));
        else candidates.KeepLargest(Math.Max(1, candidates.CountLikely(Math.Pow(2, -limit))));
    }

    /// <summary>The limit after a draw.</summary>
    /// <param name="limit">The limit before it.</param>
    /// <param name="probability">The chosen token's probability among those that were left.</param>
    public double Follow(double limit, double probability) => limit - (eta * (-Math.Log2(probability) - tau));

    private static int RankLimit(Candidates candidates, double limit, int vocabulary)
    {
        var logits = candidates.LargestDescending(Math.Min(Sample, candidates.Count));
        var (products, squares) = (0.0, 0.0);
        for (var i = 0; i + 1 < logits.Length; i++)
        {
            var step = Math.Log((i + 2.0) / (i + 1));
            products += step * ((double)logits[i] - logits[i + 1]);
            squares += step * step;
        }

        if (squares == 0) return 1;
        var exponent = products / squares;
        var excess = exponent - 1;
        var rank = Math.Pow(excess * Math.Pow(2, limit) / (1 - Math.Pow(vocabulary, -excess)), 1 / exponent);
        // Not a number where the exponent is 1 or 0: then nothing is known and nothing is dropped.
        return double.IsNaN(rank) || rank >= candidates.Count ? candidates.Count : Math.Max(1, (int)rank);
    }
}
