using System.Numerics;

namespace FalconMamba.Generation;

/// <summary>The largest logit and where it is.</summary>
internal static class ArgMax
{
    /// <summary>The index of the largest logit, the lowest among equals, whatever the width of vectors.</summary>
    /// <exception cref="InvalidOperationException">A logit is NaN or positive infinity, or none is finite.</exception>
    public static int Of(ReadOnlySpan<float> logits)
    {
        var maximum = FiniteMaximum(logits);
        var wanted = new Vector<float>(maximum);
        var i = 0;
        while (i <= logits.Length - Vector<float>.Count && !Vector.EqualsAny(new Vector<float>(logits[i..]), wanted)) i += Vector<float>.Count;
        while (logits[i] != maximum) i++;
        return i;
    }

    /// <summary>The largest logit, which must be finite for anything to be chosen.</summary>
    /// <exception cref="InvalidOperationException">A logit is NaN or positive infinity, or none is finite.</exception>
    public static float FiniteMaximum(ReadOnlySpan<float> logits)
    {
        // Both kinds of maximum pass a NaN on.
        var largest = new Vector<float>(float.NegativeInfinity);
        var i = 0;
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count) largest = Vector.Max(largest, new Vector<float>(logits[i..]));
        var maximum = float.NegativeInfinity;
        for (; i < logits.Length; i++) maximum = MathF.Max(maximum, logits[i]);
        for (var lane = 0; lane < Vector<float>.Count; lane++) maximum = MathF.Max(maximum, largest[lane]);
        return float.IsFinite(maximum)
            ? maximum
            : throw new InvalidOperationException("The logits hold a NaN, a positive infinity or no finite value: the weights are broken, or the options forbid every token.");
    }
}
