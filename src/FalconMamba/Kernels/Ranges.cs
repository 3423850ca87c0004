namespace FalconMamba.Kernels;

/// <summary>
/// Rows, or other items that follow one another in memory, cut into ranges that threads claim, long ones first: long stretches
/// let the processor's own prefetch find its pace, and short ones at the end leave little to wait for when one thread is
/// slower than another.
/// </summary>
internal readonly struct Ranges
{
    /// <summary>Ranges begin at multiples of it.</summary>
    public const int Multiple = 16;

    // Below this a claim costs more than what it evens out.
    private const long LeastBytes = 64 * 1024;

    private readonly int _items, _threads, _least;

    /// <summary>Cuts half of the items into a range a thread, then half of the rest, and so on down to short ranges.</summary>
    /// <param name="items">How many items.</param>
    /// <param name="bytes">The bytes of an item.</param>
    /// <param name="threads">The threads that share them.</param>
    public Ranges(int items, long bytes, int threads)
    {
        _items = items;
        _threads = Math.Max(1, threads);
        _least = (int)Math.Clamp(LeastBytes / Math.Max(1, bytes), Multiple, 1 << 20) / Multiple * Multiple;
        var (before, first, length) = LastRound(int.MaxValue);
        Count = before + ((_items - first + length - 1) / length);
    }

    /// <summary>How many ranges.</summary>
    public int Count { get; }

    /// <summary>One range: its first item and the one behind its last.</summary>
    public (int First, int End) this[int index]
    {
        get
        {
            var (before, first, length) = LastRound(index);
            first += (index - before) * length;
            return (first, Math.Min(_items, first + length));
        }
    }

    // The round of equal ranges that an index belongs to: the ranges before it, its first item, and its ranges' length.
    private (int Before, int First, int Length) LastRound(int index)
    {
        int before = 0, first = 0;
        while (true)
        {
            var length = (_items - first) / (2 * _threads) / Multiple * Multiple;
            if (length <= _least) return (before, first, _least);
            if (index - before < _threads) return (before, first, length);
            before += _threads;
            first += _threads * length;
        }
    }
}
