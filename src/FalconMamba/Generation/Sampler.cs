namespace FalconMamba.Generation;

/// <summary>
/// Chooses the next token from logits: the likeliest, or a draw after temperature, top-k, top-p and min-p, in this
/// order, as transformers does. It keeps no state: the same options, logits and position choose the same token, in
/// whatever order and on whatever thread they come.
/// </summary>
public sealed class Sampler
{
    // A sequence would need one of its own only while it draws, so a thread's sequences share one.
    [ThreadStatic]
    private static Candidates? _candidates;

    private readonly GenerationOptions _options;

    /// <summary>A sampler with fixed options.</summary>
    /// <param name="options">How to choose.</param>
    public Sampler(GenerationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <summary>Chooses a token. Allocates nothing once the thread has seen a vocabulary of this size.</summary>
    /// <param name="logits">[V]; minus infinity forbids a token.</param>
    /// <param name="position">The token's position in its sequence, which with the seed decides the draw.</param>
    /// <returns>An id from 0 to V − 1; the lowest of the likeliest when greedy.</returns>
    /// <exception cref="InvalidOperationException">The logits hold a NaN, positive infinity, or nothing but minus infinity.</exception>
    public int Sample(ReadOnlySpan<float> logits, long position)
    {
        if (_options.IsGreedy) return ArgMax.Of(logits);
        var candidates = _candidates ??= new Candidates();
        candidates.Load(logits);
        Filter(candidates);
        return Draw(candidates, Philox.Uniform(_options.Seed, position));
    }

    /// <summary>Applies the filters that the options switch on.</summary>
    internal void Filter(Candidates candidates)
    {
        if (_options.Temperature is { } temperature and not 1) SamplingFilters.Temperature(candidates, temperature);
        if (_options.TopK > 0) SamplingFilters.TopK(candidates, _options.TopK);
        if (_options.TopP < 1) SamplingFilters.TopP(candidates, _options.TopP);
        if (_options.MinP > 0) SamplingFilters.MinP(candidates, _options.MinP);
    }

    // Inverts the cumulative distribution, by ascending id.
    private static int Draw(Candidates candidates, double uniform)
    {
        var weights = candidates.Weights();
        var total = 0.0;
        foreach (var weight in weights) total += weight;
        var remaining = uniform * total;
        var chosen = 0;
        for (var i = 0; i < weights.Length && remaining >= 0; i++)
        {
            if (weights[i] == 0) continue;
            chosen = i;
            remaining -= weights[i];
        }

        return candidates.Ids[chosen];
    }
}
