using System.Runtime.CompilerServices;

namespace FalconMamba.Kernels.Lanes;

/// <summary>
/// Sixteen plain floats and scalar arithmetic: the generic twin that every other path must equal bit for bit.
/// </summary>
internal unsafe struct LanesGeneric : ILanes<LanesGeneric>
{
    [InlineArray(16)]
    private struct Sixteen
    {
        private float _first;
    }

    private Sixteen _v;

    public static LanesGeneric Load(float* source)
    {
        LanesGeneric r = default;
        for (var i = 0; i < 16; i++) r._v[i] = source[i];
        return r;
    }

    public static LanesGeneric LoadBFloat16(ushort* source)
    {
        LanesGeneric r = default;
        for (var i = 0; i < 16; i++) r._v[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
        return r;
    }

    public static LanesGeneric LoadHalf(ushort* source)
    {
        LanesGeneric r = default;
        for (var i = 0; i < 16; i++) r._v[i] = (float)BitConverter.UInt16BitsToHalf(source[i]);
        return r;
    }

    public static void Store(LanesGeneric value, float* destination)
    {
        for (var i = 0; i < 16; i++) destination[i] = value._v[i];
    }

    public static LanesGeneric Broadcast(float value)
    {
        LanesGeneric r = default;
        for (var i = 0; i < 16; i++) r._v[i] = value;
        return r;
    }

    public static LanesGeneric operator +(LanesGeneric a, LanesGeneric b)
    {
        for (var i = 0; i < 16; i++) a._v[i] += b._v[i];
        return a;
    }

    public static LanesGeneric operator -(LanesGeneric a, LanesGeneric b)
    {
        for (var i = 0; i < 16; i++) a._v[i] -= b._v[i];
        return a;
    }

    public static LanesGeneric operator *(LanesGeneric a, LanesGeneric b)
    {
        for (var i = 0; i < 16; i++) a._v[i] *= b._v[i];
        return a;
    }

    public static LanesGeneric operator /(LanesGeneric a, LanesGeneric b)
    {
        for (var i = 0; i < 16; i++) a._v[i] /= b._v[i];
        return a;
    }

    public static LanesGeneric FusedMultiplyAdd(LanesGeneric a, LanesGeneric b, LanesGeneric c)
    {
        for (var i = 0; i < 16; i++) c._v[i] = MathF.FusedMultiplyAdd(a._v[i], b._v[i], c._v[i]);
        return c;
    }

    public static LanesGeneric AtLeast(LanesGeneric bound, LanesGeneric value)
    {
        for (var i = 0; i < 16; i++) if (bound._v[i] > value._v[i]) value._v[i] = bound._v[i];
        return value;
    }

    public static LanesGeneric AtMost(LanesGeneric bound, LanesGeneric value)
    {
        for (var i = 0; i < 16; i++) if (bound._v[i] < value._v[i]) value._v[i] = bound._v[i];
        return value;
    }

    public static LanesGeneric Abs(LanesGeneric value)
    {
        for (var i = 0; i < 16; i++) value._v[i] = MathF.Abs(value._v[i]);
        return value;
    }

    public static LanesGeneric PowerOfTwo(LanesGeneric power)
    {
        for (var i = 0; i < 16; i++) power._v[i] = SixteenthPowers.Of(power._v[i]);
        return power;
    }

    public static float Sum(LanesGeneric value)
    {
        for (var width = 8; width > 0; width /= 2)
            for (var i = 0; i < width; i++) value._v[i] += value._v[i + width];
        return value._v[0];
    }
}
