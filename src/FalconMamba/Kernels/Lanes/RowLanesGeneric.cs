using System.Runtime.CompilerServices;

namespace FalconMamba.Kernels.Lanes;

/// <summary>Sixteen plain integers and scalar arithmetic: the generic twin that every other path must equal.</summary>
internal unsafe struct RowLanesGeneric : IRowLanes<RowLanesGeneric, LanesGeneric>
{
    [InlineArray(16)]
    private struct Sixteen
    {
        private int _first;
    }

    private Sixteen _v;

    public static bool SignsBytes => false;

    public static int Steps(int mostCode) => 8;

    public static RowLanesGeneric Load(byte* source)
    {
        RowLanesGeneric r = default;
        for (var i = 0; i < 16; i++) r._v[i] = ((int*)source)[i];
        return r;
    }

    public static void Store(RowLanesGeneric value, byte* destination)
    {
        for (var i = 0; i < 16; i++) ((int*)destination)[i] = value._v[i];
    }

    public static RowLanesGeneric Broadcast(byte* source) => Same(*(int*)source);

    public static RowLanesGeneric And(RowLanesGeneric value, byte mask)
    {
        for (var i = 0; i < 16; i++) value._v[i] &= mask * 0x01010101;
        return value;
    }

    public static RowLanesGeneric TurnTopBits(RowLanesGeneric value)
    {
        for (var i = 0; i < 16; i++) value._v[i] ^= unchecked((int)0x80808080);
        return value;
    }

    public static RowLanesGeneric ShiftRight(RowLanesGeneric value, int count)
    {
        for (var i = 0; i < 16; i++) value._v[i] >>>= count;
        return value;
    }

    public static RowLanesGeneric ShiftLeft(RowLanesGeneric value, int count)
    {
        for (var i = 0; i < 16; i++) value._v[i] <<= count;
        return value;
    }

    public static RowLanesGeneric operator -(RowLanesGeneric a, RowLanesGeneric b)
    {
        for (var i = 0; i < 16; i++) a._v[i] -= b._v[i];
        return a;
    }

    public static RowLanesGeneric MultiplyAdd(RowLanesGeneric sums, RowLanesGeneric codes, RowLanesGeneric x)
    {
        for (var i = 0; i < 16; i++)
            for (var shift = 0; shift < 32; shift += 8) sums._v[i] += (byte)(codes._v[i] >> shift) * (sbyte)(x._v[i] >> shift);
        return sums;
    }

    public static RowLanesGeneric AddPairs(RowLanesGeneric totals, RowLanesGeneric a, RowLanesGeneric b)
    {
        for (var i = 0; i < 16; i++) totals._v[i] += ((short)a._v[i] * (short)b._v[i]) + ((a._v[i] >> 16) * (b._v[i] >> 16));
        return totals;
    }

    public static RowLanesGeneric Scales(RowLanesGeneric scales, byte* factor)
    {
        for (var i = 0; i < 16; i++) scales._v[i] *= *(int*)factor;
        return scales;
    }

    public static RowLanesGeneric Scale(short scale) => Same(scale);

    public static RowLanesGeneric Fold(RowLanesGeneric totals, RowLanesGeneric sums, RowLanesGeneric scales)
    {
        for (var i = 0; i < 16; i++) totals._v[i] += sums._v[i] * scales._v[i];
        return totals;
    }

    public static LanesGeneric ToFloats(RowLanesGeneric value)
    {
        var floats = stackalloc float[16];
        for (var i = 0; i < 16; i++) floats[i] = value._v[i];
        return LanesGeneric.Load(floats);
    }

    public static void Transpose(int* rows, byte* columns)
    {
        for (var row = 0; row < 8; row++)
            for (var column = 0; column < 8; column++) ((int*)(columns + (column * WeightPanel.RowBytes)))[row] = rows[(8 * row) + column];
    }

    private static RowLanesGeneric Same(int number)
    {
        RowLanesGeneric r = default;
        for (var i = 0; i < 16; i++) r._v[i] = number;
        return r;
    }
}
