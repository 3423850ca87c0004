using System.Numerics;

namespace FalconMamba.Generation;

/// <summary>
/// The tokens that can still be drawn, by ascending id, with their logits. Filters drop some and never change the order,
/// so that a draw does not depend on how a filter found what to drop. Buffers are kept from use to use.
/// </summary>
internal sealed class Candidates
{
    // For few values a heap: almost every logit is below its least, which is one predictable comparison.
    private const int LargestHeap = 256;

    private int[] _ids = [];
    private float[] _logits = [];
    private float[] _scratch = [];
    private double[] _weights = [];

    /// <summary>How many are left.</summary>
    public int Count { get; private set; }

    /// <summary>Their ids [Count], ascending.</summary>
    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>Their logits [Count].</summary>
    public Span<float> Logits => _logits.AsSpan(0, Count);

    /// <summary>Starts anew with every token whose logit is not minus infinity.</summary>
    /// <param name="logits">[V].</param>
    /// <exception cref="InvalidOperationException">A logit is NaN or positive infinity, or none is finite.</exception>
    public void Load(ReadOnlySpan<float> logits)
    {
        ArgMax.FiniteMaximum(logits);
        Reserve(logits.Length);
        var count = 0;
        Span<int> ids = _ids;
        Span<float> kept = _logits;
        for (var id = 0; id < logits.Length; id++)
        {
            // Written always, counted only if it stays: a branch here would be a guess per token.
            ids[count] = id;
            kept[count] = logits[id];
            count += logits[id] > float.NegativeInfinity ? 1 : 0;
        }

        Count = count;
    }

    /// <summary>
    /// The probabilities times a common factor, exp(logit − largest), in float64 [Count]. Valid until the next call. The
    /// last bit of exp may differ between processors, so draws agree across machines but for that.
    /// </summary>
    public ReadOnlySpan<double> Weights()
    {
        var largest = new Vector<double>(ArgMax.FiniteMaximum(Logits));
        for (var i = 0; i < Count; i += Vector<float>.Count)
        {
            // Reads and writes past the count stay in the buffers, whose lengths are whole vectors.
            Vector.Widen(new Vector<float>(_logits, i), out var low, out var high);
            Vector.Exp(low - largest).CopyTo(_weights, i);
            Vector.Exp(high - largest).CopyTo(_weights, i + Vector<double>.Count);
        }

        return _weights.AsSpan(0, Count);
    }

    /// <summary>Divides the logits; a quotient beyond float's range becomes its largest finite value.</summary>
    public void Divide(float divisor)
    {
        var (least, most) = (new Vector<float>(float.MinValue), new Vector<float>(float.MaxValue));
        for (var i = 0; i < Count; i += Vector<float>.Count)
            Vector.Clamp(new Vector<float>(_logits, i) / divisor, least, most).CopyTo(_logits, i);
    }

    /// <summary>Keeps the logits not below a value.</summary>
    public void KeepFrom(float least) => Keep(least, int.MaxValue);

    /// <summary>Keeps as many of the largest logits; among equals the lowest ids.</summary>
    public void KeepLargest(int count)
    {
        if (count < Count) KeepLargest(count, KthLargest(count));
    }

    /// <summary>The same, where the least of the logits to keep is known already.</summary>
    public void KeepLargest(int count, float least)
    {
        var above = 0;
        foreach (var logit in Logits) above += logit > least ? 1 : 0;
        Keep(least, count - above);
    }

    /// <summary>The value of the k-th largest logit, k from 1 to <see cref="Count"/>.</summary>
    public float KthLargest(int k)
    {
        var least = float.PositiveInfinity;
        foreach (var logit in SelectLargest(k)) least = MathF.Min(least, logit);
        return least;
    }

    /// <summary>The largest logits in descending order [count]. Valid until the next call.</summary>
    public ReadOnlySpan<float> LargestDescending(int count)
    {
        var values = SelectLargest(count);
        values.Sort();
        values.Reverse();
        return values;
    }

    private void Keep(float least, int mostAtLeast)
    {
        var kept = 0;
        var ids = _ids.AsSpan(0, Count);
        var logits = Logits;
        for (var i = 0; i < logits.Length; i++)
        {
            var logit = logits[i];
            ids[kept] = ids[i];
            logits[kept] = logit;
            if (logit > least || (logit == least && mostAtLeast-- > 0)) kept++;
        }

        Count = kept;
    }

    private void Reserve(int count)
    {
        if (count <= _ids.Length) return;
        var length = checked((count + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count);
        _ids = new int[length];
        _logits = new float[length];
        _scratch = new float[length];
        _weights = new double[length];
    }

    // The largest values, in no order.
    private Span<float> SelectLargest(int count)
    {
        var largest = _scratch.AsSpan(0, count);
        if (count <= LargestHeap)
        {
            Logits[..count].CopyTo(largest);
            Selection.KeepLargest(largest, Logits[count..]);
        }
        else
        {
            Logits.CopyTo(_scratch);
            Selection.Partition(_scratch.AsSpan(0, Count), count);
        }

        return largest;
    }
}
