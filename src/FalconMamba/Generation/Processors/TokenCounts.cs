namespace FalconMamba.Generation.Processors;

/// <summary>
/// A number for each token of the vocabulary, all zero between uses: clearing those that were touched takes as long as the
/// text, clearing all as long as the vocabulary. A thread has one.
/// </summary>
internal static class TokenCounts
{
    [ThreadStatic]
    private static int[]? _counts;

    /// <summary>Zeros for a vocabulary; who changes some puts them back to zero.</summary>
    public static Span<int> Rent(int vocabulary)
    {
        if (_counts is null || _counts.Length < vocabulary) _counts = new int[vocabulary];
        return _counts.AsSpan(0, vocabulary);
    }

    /// <summary>Puts the numbers of these tokens back to zero.</summary>
    public static void Return(Span<int> counts, ReadOnlySpan<int> ids)
    {
        foreach (var id in ids) counts[id] = 0;
    }
}
