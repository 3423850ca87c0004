using System.Runtime.CompilerServices;

namespace FalconMamba.Kernels.Lanes;

/// <summary>Functions of lanes that are the same on every path.</summary>
internal static unsafe class LanesMath
{
    /// <summary>Adding and subtracting 1.5·2¹⁹ rounds a float of small magnitude to the nearest sixteenth.</summary>
    internal const float Rounder = 786432f;

    /// <summary>Below it <see cref="Exp2"/> no longer falls.</summary>
    internal const float LeastPower = -125f;

    // (2^f − 1) / f on [−1/32, 1/32], interpolated at the Chebyshev nodes: relative error of 2^f 2.4e-9.
    internal const float C1 = 0.69314718f, C2 = 0.24023356f, C3 = 0.055505086f;

    internal const float Log2E = 1.44269504f, MostPower = 126f;

    // 2·artanh(s) / s = 2 + s²·(S0 + …), interpolated at the Chebyshev nodes of s² ≤ 1/9: relative error 1.6e-8.
    internal const float S0 = 0.66666639f, S1 = 0.40007561f, S2 = 0.28236619f, S3 = 0.2685150f;

    /// <summary>
    /// 2^v for v ≤ 126, at least 2^−125; relative error below 1.2e-7. The nearest sixteenth comes from a table, the rest from
    /// a polynomial; the power of zero and the polynomial's constant term are exactly 1, so that a decay near 1 carries no bias
    /// into thousands of steps.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp2<T>(T v) where T : unmanaged, ILanes<T>
    {
        v = T.AtLeast(T.Broadcast(LeastPower), v);
        var power = v + T.Broadcast(Rounder);
        var f = v - (power - T.Broadcast(Rounder));
        var p = T.FusedMultiplyAdd(T.Broadcast(C3), f, T.Broadcast(C2));
        p = T.FusedMultiplyAdd(p, f, T.Broadcast(C1));
        var whole = T.PowerOfTwo(power);
        return T.FusedMultiplyAdd(whole, p * f, whole);
    }

    /// <summary>x · sigmoid(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Silu<T>(T x) where T : unmanaged, ILanes<T> =>
        x / (T.Broadcast(1f) + Exp2(T.AtMost(T.Broadcast(MostPower), x * T.Broadcast(-Log2E))));

    /// <summary>
    /// log(1 + e^x) as max(x, 0) + log1p(t), t = e^−|x|, with log1p(t) = 2·artanh(s), s = t / (2 + t).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Softplus<T>(T x) where T : unmanaged, ILanes<T>
    {
        var t = Exp2(T.Abs(x) * T.Broadcast(-Log2E));
        var s = t / (T.Broadcast(2f) + t);
        var square = s * s;
        var series = T.FusedMultiplyAdd(T.Broadcast(S3), square, T.Broadcast(S2));
        series = T.FusedMultiplyAdd(series, square, T.Broadcast(S1));
        series = T.FusedMultiplyAdd(series, square, T.Broadcast(S0));
        series = T.FusedMultiplyAdd(series, square, T.Broadcast(2f));
        return T.FusedMultiplyAdd(series, s, T.AtLeast(T.Broadcast(0f), x));
    }
}
