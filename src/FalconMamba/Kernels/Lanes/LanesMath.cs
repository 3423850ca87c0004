using System.Runtime.CompilerServices;

namespace FalconMamba.Kernels.Lanes;

/// <summary>Functions of lanes that are the same on every path.</summary>
internal static unsafe class LanesMath
{
    private const float Log2E = 1.44269504f;

    /// <summary>Adding and subtracting 1.5·2²³ rounds a float of small magnitude to the nearest integer.</summary>
    private const float Rounder = 12582912f;

    // (2^f − 1) / f on [−½, ½], interpolated at the Chebyshev nodes: relative error of the whole below 1e-8 before rounding.
    private const float C1 = 0.69314718f, C2 = 0.24022651f, C3 = 0.05550357f, C4 = 0.009618083f, C5 = 0.0013390863f, C6 = 0.00015453163f;

    /// <summary>
    /// 2^v, v clamped to [−125, 126]; relative error below 1.2e-7. The polynomial's constant term is exactly 1, so that a
    /// decay near 1 carries no bias into thousands of steps.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp2<T>(T v) where T : unmanaged, ILanes<T>
    {
        v = T.AtMost(T.Broadcast(126f), T.AtLeast(T.Broadcast(-125f), v));
        var power = v + T.Broadcast(Rounder);
        var f = v - (power - T.Broadcast(Rounder));
        var p = T.FusedMultiplyAdd(T.Broadcast(C6), f, T.Broadcast(C5));
        p = T.FusedMultiplyAdd(p, f, T.Broadcast(C4));
        p = T.FusedMultiplyAdd(p, f, T.Broadcast(C3));
        p = T.FusedMultiplyAdd(p, f, T.Broadcast(C2));
        p = T.FusedMultiplyAdd(p, f, T.Broadcast(C1));
        p = T.FusedMultiplyAdd(p, f, T.Broadcast(1f));
        return T.ScaleByPower(p, power);
    }

    /// <summary>x · sigmoid(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Silu<T>(T x) where T : unmanaged, ILanes<T> =>
        x / (T.Broadcast(1f) + Exp2(x * T.Broadcast(-Log2E)));

    /// <summary>
    /// log(1 + e^x) as max(x, 0) + log1p(t), t = e^−|x|, with log1p(t) = 2·artanh(t / (2 + t)) as its series: the argument
    /// is at most 1/3, so eight terms leave a relative error below 2e-9.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Softplus<T>(T x) where T : unmanaged, ILanes<T>
    {
        var t = Exp2(T.Abs(x) * T.Broadcast(-Log2E));
        var s = t / (T.Broadcast(2f) + t);
        var square = s * s;
        var series = T.FusedMultiplyAdd(T.Broadcast(2f / 15), square, T.Broadcast(2f / 13));
        series = T.FusedMultiplyAdd(series, square, T.Broadcast(2f / 11));
        series = T.FusedMultiplyAdd(series, square, T.Broadcast(2f / 9));
        series = T.FusedMultiplyAdd(series, square, T.Broadcast(2f / 7));
        series = T.FusedMultiplyAdd(series, square, T.Broadcast(2f / 5));
        series = T.FusedMultiplyAdd(series, square, T.Broadcast(2f / 3));
        series = T.FusedMultiplyAdd(series, square, T.Broadcast(2f));
        return T.FusedMultiplyAdd(series, s, T.AtLeast(T.Broadcast(0f), x));
    }
}
