using FalconMamba.Formats;

namespace FalconMamba.Kernels;

/// <summary>
/// How far ahead the products of one token ask for a format's weights: near, into the first-level cache, or far, into the
/// second-level one. Which is faster is the processor's affair, by a quarter either way, and only the products themselves show
/// it; so the first large ones take turns, and the others do as the fastest of them did. The bits are the same.
/// </summary>
internal sealed class PrefetchChoice
{
    /// <summary>The bytes of a product that shows it: no cache near a core holds them.</summary>
    public const long LeastBytes = 4 << 20;

    private const int Trials = 16;

    private static readonly PrefetchChoice[] Choices = [.. Enumerable.Range(0, (int)Enum.GetValues<TensorType>().Max() + 1).Select(_ => new PrefetchChoice())];

    private readonly Lock _lock = new();
    private double _near = double.PositiveInfinity, _far = double.PositiveInfinity;
    private int _begun, _ended;

    /// <summary>The choice for weights of a type.</summary>
    public static PrefetchChoice Of(TensorType type) => Choices[(int)type];

    /// <summary>Whether the next product looks far ahead; each product that is large counts as a trial while there are any left.</summary>
    /// <param name="bytes">The bytes of its weights.</param>
    public bool Next(long bytes)
    {
        if (Volatile.Read(ref _ended) >= Trials || bytes < LeastBytes) return _far < _near;
        return Interlocked.Increment(ref _begun) % 2 == 0;
    }

    /// <summary>Takes the time of a product for which <see cref="Next"/> was asked.</summary>
    /// <param name="bytes">The bytes of its weights.</param>
    /// <param name="far">What it did.</param>
    /// <param name="ticks">How long it took.</param>
    public void Add(long bytes, bool far, long ticks)
    {
        if (Volatile.Read(ref _ended) >= Trials || bytes < LeastBytes) return;
        lock (_lock)
        {
            // The fastest of each, since others are held up by pages that are touched for the first time.
            if (far) _far = Math.Min(_far, ticks / (double)bytes);
            else _near = Math.Min(_near, ticks / (double)bytes);
            _ended++;
        }
    }
}
