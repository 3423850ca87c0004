using System.Numerics;
using System.Runtime.Intrinsics;

namespace FalconMamba.Generation;

/// <summary>
/// The tokens that can still be drawn, by ascending id, with their logits. Filters drop some and never change the order,
/// so that a draw does not depend on how a filter found what to drop. Buffers are kept from use to use.
/// </summary>
internal sealed class Candidates
{
    // For few values a heap: almost every logit is below its least, which is one predictable comparison.
    private const int LargestHeap = 256;

    // A draw passes over whole blocks before it looks for its place in one.
    private const int DrawBlock = 512;

    [ThreadStatic]
    private static Candidates? _ofThread;

    private int[] _ids = [];
    private float[] _logits = [];
    private float[] _scratch = [];
    private double[] _weights = [];
    private double[] _surprises = [];

    /// <summary>The thread's own, for use within one call: a sequence needs candidates only while it draws.</summary>
    public static Candidates OfThread => _ofThread ??= new Candidates();

    /// <summary>How many tokens there are at all, V.</summary>
    public int Vocabulary { get; private set; }

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
        Vocabulary = logits.Length;
    }

    /// <summary>
    /// The probabilities times a common factor, exp(logit − largest), in float64 [Count]. Valid until the next call. The
    /// last bit of exp may differ between processors, so draws agree across machines but for that.
    /// </summary>
    public ReadOnlySpan<double> Weights()
    {
        FillWeights();
        return _weights.AsSpan(0, Count);
    }

    /// <summary>The same, and their sum.</summary>
    public Span<double> Weights(out double total)
    {
        FillWeights();
        var weights = _weights.AsSpan(0, Count);
        total = Sum(weights);
        return weights;
    }

    /// <summary>The sum of the weights: what a probability is a fraction of.</summary>
    public double TotalWeight()
    {
        Weights(out var total);
        return total;
    }

    /// <summary>How many have at least this weight.</summary>
    public int CountFrom(double weight) => CountFrom(weight, Weights());

    /// <summary>How many of these weights are at least as large as one.</summary>
    public static int CountFrom(double weight, ReadOnlySpan<double> weights)
    {
        var count = 0;
        foreach (var candidate in weights) count += candidate >= weight ? 1 : 0;
        return count;
    }

    /// <summary>How many have at least this probability.</summary>
    public int CountLikely(double probability)
    {
        var weights = Weights(out var total);
        return CountFrom(probability * total, weights);
    }

    /// <summary>The entropy in nats.</summary>
    public double Entropy() => Entropy(Weights(out var total), total);

    /// <summary>The same, where the weights and their sum are known already.</summary>
    public double Entropy(ReadOnlySpan<double> weights, double total)
    {
        var largest = (double)ArgMax.FiniteMaximum(Logits);
        var sum = 0.0;
        for (var i = 0; i < weights.Length; i++) sum += weights[i] * (_logits[i] - largest);
        return Math.Log(total) - (sum / total);
    }

    /// <summary>How far each surprise, −log p in nats, is from an expected one [Count]. Valid until the next call.</summary>
    /// <param name="total">The sum of the weights.</param>
    /// <param name="expected">The expected surprise.</param>
    public Span<double> Surprises(double total, double expected)
    {
        if (_surprises.Length < _logits.Length) _surprises = new double[_logits.Length];
        var zero = ArgMax.FiniteMaximum(Logits) + Math.Log(total) - expected;
        for (var i = 0; i < Count; i++) _surprises[i] = Math.Abs(zero - _logits[i]);
        return _surprises.AsSpan(0, Count);
    }

    /// <summary>Turns the logits into log probabilities.</summary>
    public void Normalize()
    {
        var shift = ArgMax.FiniteMaximum(Logits) + Math.Log(TotalWeight());
        for (var i = 0; i < Count; i++) _logits[i] = (float)(_logits[i] - shift);
    }

    /// <summary>Inverts the cumulative distribution, by ascending id.</summary>
    /// <param name="uniform">A number in [0, 1).</param>
    /// <param name="probability">The chosen token's probability.</param>
    /// <returns>Its id.</returns>
    public int Draw(double uniform, out double probability)
    {
        var weights = Weights(out var total);
        var chosen = PlaceOf(weights, total, uniform);
        probability = weights[chosen] / total;
        return _ids[chosen];
    }

    /// <summary>Where the running sum of weights exceeds a fraction of their total.</summary>
    /// <param name="weights">The weights, of which one is not 0.</param>
    /// <param name="total">Their sum.</param>
    /// <param name="uniform">A number in [0, 1).</param>
    public static int PlaceOf(ReadOnlySpan<double> weights, double total, double uniform)
    {
        var remaining = uniform * total;
        var (block, mass) = (0, 0.0);
        for (var start = 0; start < weights.Length && remaining >= 0; start += DrawBlock)
        {
            var sum = Sum(weights.Slice(start, Math.Min(DrawBlock, weights.Length - start)));
            if (sum == 0) continue;
            (block, mass) = (start, remaining);
            remaining -= sum;
        }

        return block + PlaceIn(weights.Slice(block, Math.Min(DrawBlock, weights.Length - block)), mass);
    }

    /// <summary>Writes the logits to their places in a row; what is dropped is minus infinity there.</summary>
    /// <param name="row">[V].</param>
    public void CopyTo(Span<float> row)
    {
        row.Fill(float.NegativeInfinity);
        for (var i = 0; i < Count; i++) row[_ids[i]] = _logits[i];
    }

    /// <summary>Writes the probabilities to their places in a row; what is dropped is 0 there.</summary>
    /// <param name="row">[V].</param>
    public void CopyProbabilitiesTo(Span<double> row)
    {
        var weights = Weights(out var total);
        row.Clear();
        for (var i = 0; i < Count; i++) row[_ids[i]] = weights[i] / total;
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

    /// <summary>Drops as many of the largest logits; among equals the lowest ids.</summary>
    public void DropLargest(int count)
    {
        var least = KthLargest(count);
        var ties = count;
        foreach (var logit in Logits) ties -= logit > least ? 1 : 0;
        var kept = 0;
        for (var i = 0; i < Count; i++)
        {
            var logit = _logits[i];
            (_ids[kept], _logits[kept]) = (_ids[i], logit);
            if (logit < least || (logit == least && ties-- <= 0)) kept++;
        }

        Count = kept;
    }

    /// <summary>Keeps the candidates whose key is not above a value.</summary>
    /// <param name="keys">[Count].</param>
    /// <param name="most">The largest key that stays; at least one key must.</param>
    public void KeepUpTo(ReadOnlySpan<double> keys, double most)
    {
        var kept = 0;
        for (var i = 0; i < keys.Length; i++)
        {
            (_ids[kept], _logits[kept]) = (_ids[i], _logits[i]);
            kept += keys[i] <= most ? 1 : 0;
        }

        Count = kept;
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

    /// <summary>The sum of values: eight side by side whatever the width of vectors, so that the bits are the same everywhere.</summary>
    public static double Sum(ReadOnlySpan<double> values)
    {
        var sums = Vector512<double>.Zero;
        var i = 0;
        for (; i <= values.Length - Vector512<double>.Count; i += Vector512<double>.Count) sums += Vector512.Create(values[i..]);
        var sum = 0.0;
        for (var lane = 0; lane < Vector512<double>.Count; lane++) sum += sums[lane];
        for (; i < values.Length; i++) sum += values[i];
        return sum;
    }

    // The first weight that the running sum exceeds the mass with, or the last that is not 0.
    private static int PlaceIn(ReadOnlySpan<double> weights, double mass)
    {
        var place = 0;
        for (var i = 0; i < weights.Length && mass >= 0; i++)
        {
            if (weights[i] == 0) continue;
            place = i;
            mass -= weights[i];
        }

        return place;
    }

    private void FillWeights()
    {
        var largest = new Vector<double>(ArgMax.FiniteMaximum(Logits));
        for (var i = 0; i < Count; i += Vector<float>.Count)
        {
            // Reads and writes past the count stay in the buffers, whose lengths are whole vectors.
            Vector.Widen(new Vector<float>(_logits, i), out var low, out var high);
            Vector.Exp(low - largest).CopyTo(_weights, i);
            Vector.Exp(high - largest).CopyTo(_weights, i + Vector<double>.Count);
        }
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
