namespace FalconMamba.Sessions;

/// <summary>
/// Where states are kept inside a long prompt: densely near its end, ever more thinly before. Whoever changes the prompt at
/// one place has to read on from the rung before it, and that lies at most a sixth further from the end than the change.
/// There are O(log n) rungs for n tokens, about twelve each time the distance from the end doubles.
/// </summary>
public static class PrefixLadder
{
    // A gap is at most a sixth of the distance from the end, and near the end a 64th of the prompt.
    private const int GapShare = 6, LastGapShare = 64;

    // A state may be larger than what it would take to read so few tokens again.
    private const int LeastGap = 64;

    /// <summary>The rungs of a prompt, in ascending order, without its end.</summary>
    /// <param name="length">The prompt's tokens.</param>
    /// <param name="chunkSize">
    /// The tokens that go through the layers together: rungs lie on its multiples, halves, quarters and so on of it only
    /// where the prompt is too short for that.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is too small.</exception>
    public static int[] Positions(int length, int chunkSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfLessThan(chunkSize, 1);
        var least = chunkSize;
        while (least % 2 == 0 && least > Math.Max(LeastGap, length / LastGapShare)) least /= 2;
        while (least < LeastGap) least *= 2;

        var positions = new List<int>();
        var gap = least;
        for (var position = Below(length); position > 0; position = Below(position))
        {
            positions.Add(position);
            // Gaps are powers of two of the least one, so that a longer prompt finds the rungs of a shorter one.
            while (2L * gap * GapShare <= length - position) gap *= 2;
        }

        positions.Reverse();
        return [.. positions];

        int Below(int position) => (position - 1) / gap * gap;
    }
}
