namespace FalconMamba.Tokenization;

/// <summary>The parts of a text where special tokens may match.</summary>
internal readonly struct TrustedText
{
    // Sorted, neither touching nor overlapping; null for the whole text.
    private readonly (int Start, int End)[]? _ranges;

    private TrustedText((int Start, int End)[] ranges) => _ranges = ranges;

    /// <summary>The whole text.</summary>
    public static TrustedText All => default;

    /// <summary>Whether the whole text is trusted.</summary>
    public bool IsAll => _ranges is null;

    /// <summary>The union of some ranges.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A range does not lie in the text.</exception>
    public static TrustedText From(ReadOnlySpan<Range> ranges, int textLength)
    {
        var sorted = new List<(int Start, int End)>(ranges.Length);
        foreach (var range in ranges)
        {
            var (start, length) = range.GetOffsetAndLength(textLength);
            if (length > 0) sorted.Add((start, start + length));
        }

        sorted.Sort();
        var union = new List<(int Start, int End)>(sorted.Count);
        foreach (var range in sorted)
        {
            if (union is [.., var last] && range.Start <= last.End) union[^1] = (last.Start, Math.Max(last.End, range.End));
            else union.Add(range);
        }

        return new TrustedText([.. union]);
    }

    /// <summary>Whether a part of the text is trusted as a whole.</summary>
    public bool Contains(int start, int end)
    {
        if (_ranges is null) return true;
        var (low, high) = (0, _ranges.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].End < end) low = middle + 1;
            else high = middle;
        }

        return low < _ranges.Length && _ranges[low].Start <= start;
    }
}
