using System.Numerics;

namespace FalconMamba.Generation;

/// <summary>Log probabilities of logits.</summary>
internal static class LogSoftmax
{
    /// <summary>What is subtracted from a logit for its log probability: log Σ exp, in float64.</summary>
    /// <param name="logits">[V].</param>
    /// <exception cref="InvalidOperationException">A logit is NaN or positive infinity, or none is finite.</exception>
    public static double Shift(ReadOnlySpan<float> logits)
    {
        var largest = (double)ArgMax.FiniteMaximum(logits);
        var sums = Vector<double>.Zero;
        var i = 0;
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(logits[i..]), out var low, out var high);
            sums += Vector.Exp(low - new Vector<double>(largest)) + Vector.Exp(high - new Vector<double>(largest));
        }

        var sum = Vector.Sum(sums);
        for (; i < logits.Length; i++) sum += Math.Exp(logits[i] - largest);
        return largest + Math.Log(sum);
    }

    /// <summary>Turns logits into log probabilities in place.</summary>
    /// <param name="logits">[V].</param>
    /// <exception cref="InvalidOperationException">A logit is NaN or positive infinity, or none is finite.</exception>
    public static void Apply(Span<float> logits)
    {
        var shift = Shift(logits);
        foreach (ref var logit in logits) logit = (float)(logit - shift);
    }
}
