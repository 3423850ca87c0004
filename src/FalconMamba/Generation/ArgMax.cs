using System.Numerics;

namespace FalconMamba.Generation;

/// <summary>The index of the largest logit, the lowest among equals.</summary>
internal static class ArgMax
{
    /// <summary>Finds it in two passes over whole vectors; the result does not depend on their width.</summary>
    /// <exception cref="InvalidOperationException">The logits are empty, hold no number, or hold a NaN.</exception>
    public static int Of(ReadOnlySpan<float> logits)
    {
        var largest = new Vector<float>(float.NegativeInfinity);
        var numbers = Vector<int>.AllBitsSet;
        var i = 0;
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var values = new Vector<float>(logits[i..]);
            largest = Vector.Max(largest, values);
            numbers &= Vector.Equals(values, values);
        }

        var maximum = float.NegativeInfinity;
        for (var lane = 0; lane < Vector<float>.Count; lane++) maximum = MathF.Max(maximum, largest[lane]);
        var allNumbers = Vector.EqualsAll(numbers, Vector<int>.AllBitsSet);
        for (; i < logits.Length; i++)
        {
            maximum = MathF.Max(maximum, logits[i]);
            allNumbers &= !float.IsNaN(logits[i]);
        }

        if (!allNumbers || float.IsNegativeInfinity(maximum)) throw Unusable();
        return IndexOf(logits, maximum);
    }

    /// <summary>The error for logits that nothing can be chosen from.</summary>
    public static InvalidOperationException Unusable() =>
        new("The logits hold a NaN, a positive infinity or no number at all: the weights or the arithmetic are broken.");

    private static int IndexOf(ReadOnlySpan<float> logits, float value)
    {
        var wanted = new Vector<float>(value);
        var i = 0;
        while (i <= logits.Length - Vector<float>.Count && !Vector.EqualsAny(new Vector<float>(logits[i..]), wanted)) i += Vector<float>.Count;
        while (logits[i] != value) i++;
        return i;
    }
}
