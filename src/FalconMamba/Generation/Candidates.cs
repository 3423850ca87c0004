namespace FalconMamba.Generation;

/// <summary>
/// The tokens that can still be drawn, by ascending id, with their logits. Filters drop some and never change the order,
/// so that a draw does not depend on how a filter found what to drop. Buffers are kept from use to use.
/// </summary>
internal sealed class Candidates
{
    private int[] _ids = [];
    private float[] _logits = [];
    private float[] _scratch = [];

    /// <summary>How many are left.</summary>
    public int Count { get; private set; }

    /// <summary>Their ids [Count], ascending.</summary>
    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>Their logits [Count].</summary>
    public Span<float> Logits => _logits.AsSpan(0, Count);

    /// <summary>The largest logit.</summary>
    public float Largest
    {
        get
        {
            var largest = float.NegativeInfinity;
            foreach (var logit in Logits) largest = MathF.Max(largest, logit);
            return largest;
        }
    }

    /// <summary>Starts anew with every token whose logit is not minus infinity.</summary>
    /// <param name="logits">[V].</param>
    /// <exception cref="InvalidOperationException">A logit is NaN or infinite, or all are minus infinity.</exception>
    public void Load(ReadOnlySpan<float> logits)
    {
        if (_ids.Length < logits.Length)
        {
            _ids = new int[logits.Length];
            _logits = new float[logits.Length];
            _scratch = new float[logits.Length];
        }

        Count = 0;
        for (var id = 0; id < logits.Length; id++)
        {
            var logit = logits[id];
            if (float.IsNegativeInfinity(logit)) continue;
            if (!float.IsFinite(logit)) throw ArgMax.Unusable();
            _ids[Count] = id;
            _logits[Count++] = logit;
        }

        if (Count == 0) throw ArgMax.Unusable();
    }

    /// <summary>Keeps the logits not below a value.</summary>
    public void KeepFrom(float least) => Keep(least, int.MaxValue);

    /// <summary>Keeps as many of the largest logits; among equals the lowest ids.</summary>
    public void KeepLargest(int count)
    {
        if (count >= Count) return;
        var cut = DescendingPrefix(count)[count - 1];
        var above = 0;
        foreach (var logit in Logits) if (logit > cut) above++;
        Keep(cut, count - above);
    }

    /// <summary>The value of the k-th largest logit, k from 1 to <see cref="Count"/>.</summary>
    public float KthLargest(int k)
    {
        var values = Scratch();
        SelectLargest(values, k);
        var least = values[0];
        foreach (var value in values[..k]) least = MathF.Min(least, value);
        return least;
    }

    /// <summary>
    /// The logits in scratch memory, the first <paramref name="count"/> of them the largest, in descending order. Valid
    /// until the next call.
    /// </summary>
    public Span<float> DescendingPrefix(int count)
    {
        var values = Scratch();
        ExtendDescending(values, 0, count);
        return values;
    }

    /// <summary>
    /// Sorts more of what <see cref="DescendingPrefix"/> returned: those up to <paramref name="to"/>, if those up to
    /// <paramref name="from"/> are sorted already.
    /// </summary>
    public static void ExtendDescending(Span<float> values, int from, int to)
    {
        SelectLargest(values[from..], to - from);
        var part = values[from..to];
        part.Sort();
        part.Reverse();
    }

    private Span<float> Scratch()
    {
        var values = _scratch.AsSpan(0, Count);
        Logits.CopyTo(values);
        return values;
    }

    private void Keep(float least, int mostAtLeast)
    {
        var kept = 0;
        for (var i = 0; i < Count; i++)
        {
            var logit = _logits[i];
            if (logit < least || (logit == least && mostAtLeast-- <= 0)) continue;
            _ids[kept] = _ids[i];
            _logits[kept++] = logit;
        }

        Count = kept;
    }

    // Hoare's selection: afterwards the first `count` values are the largest, in no order. The middle of three as the
    // pivot keeps sorted and equal inputs linear.
    private static void SelectLargest(Span<float> values, int count)
    {
        int low = 0, high = values.Length - 1;
        while (low < high && count > low && count <= high)
        {
            var pivot = Median(values[low], values[low + ((high - low) / 2)], values[high]);
            int i = low, j = high;
            while (i <= j)
            {
                while (values[i] > pivot) i++;
                while (values[j] < pivot) j--;
                if (i > j) break;
                (values[i], values[j]) = (values[j], values[i]);
                i++;
                j--;
            }

            if (count - 1 <= j) high = j;
            else if (count - 1 >= i) low = i;
            else return;
        }
    }

    private static float Median(float a, float b, float c) => MathF.Max(MathF.Min(a, b), MathF.Min(MathF.Max(a, b), c));
}
