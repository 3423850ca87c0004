using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FalconMamba.Kernels.Lanes;

/// <summary>
/// Thirty-two plain bytes and scalar arithmetic: the generic twin that every other path must equal. A sum takes the first
/// four bytes.
/// </summary>
internal struct ByteLanesGeneric : IByteLanes<ByteLanesGeneric>
{
    [InlineArray(32)]
    private struct ThirtyTwo
    {
        private byte _first;
    }

    private ThirtyTwo _v;

    public static ByteLanesGeneric Load(ref readonly byte source, int offset)
    {
        ByteLanesGeneric r = default;
        for (var i = 0; i < 32; i++) r._v[i] = Unsafe.Add(ref Unsafe.AsRef(in source), offset + i);
        return r;
    }

    public static ByteLanesGeneric LoadWords(ref readonly short source)
    {
        ByteLanesGeneric r = default;
        for (var i = 0; i < 16; i++) r.SetWord(i, Unsafe.Add(ref Unsafe.AsRef(in source), i));
        return r;
    }

    public static ByteLanesGeneric LoadNibbles(ref readonly byte source)
    {
        ByteLanesGeneric r = default;
        for (var i = 0; i < 16; i++)
        {
            var pair = Unsafe.Add(ref Unsafe.AsRef(in source), i);
            r._v[i] = (byte)(pair & 15);
            r._v[i + 16] = (byte)(pair >> 4);
        }

        return r;
    }

    public static ByteLanesGeneric LoadFifthBits(uint bits)
    {
        ByteLanesGeneric r = default;
        for (var i = 0; i < 32; i++) r._v[i] = (byte)(((bits >> i) & 1) << 4);
        return r;
    }

    public static ByteLanesGeneric WidenTwice(ulong bytes)
    {
        ByteLanesGeneric r = default;
        for (var i = 0; i < 16; i++) r.SetWord(i, (byte)(bytes >> (i % 8 * 8)));
        return r;
    }

    public static ByteLanesGeneric WidenEvenOdd(ref readonly byte source)
    {
        ByteLanesGeneric r = default;
        for (var i = 0; i < 16; i++) r.SetWord((i / 2) + (i % 2 * 8), (sbyte)Unsafe.Add(ref Unsafe.AsRef(in source), i));
        return r;
    }

    public static ByteLanesGeneric operator |(ByteLanesGeneric a, ByteLanesGeneric b)
    {
        for (var i = 0; i < 32; i++) a._v[i] |= b._v[i];
        return a;
    }

    public static ByteLanesGeneric And(ByteLanesGeneric value, byte mask)
    {
        for (var i = 0; i < 32; i++) value._v[i] &= mask;
        return value;
    }

    public static ByteLanesGeneric ShiftRight(ByteLanesGeneric value, int count)
    {
        for (var i = 0; i < 32; i++) value._v[i] = (byte)(value._v[i] >> count);
        return value;
    }

    public static ByteLanesGeneric ShiftLeft(ByteLanesGeneric value, int count)
    {
        for (var i = 0; i < 32; i++) value._v[i] = (byte)(value._v[i] << count);
        return value;
    }

    public static ByteLanesGeneric Multiply(ByteLanesGeneric codes, ByteLanesGeneric x)
    {
        var total = 0;
        for (var i = 0; i < 32; i++) total += codes._v[i] * (sbyte)x._v[i];
        return FromSum(total);
    }

    public static ByteLanesGeneric MultiplyAdd(ByteLanesGeneric codes, ByteLanesGeneric x, ByteLanesGeneric scales, int run, ByteLanesGeneric sums)
    {
        var total = Sum(sums);
        for (var i = 0; i < 32; i++) total += codes._v[i] * (sbyte)x._v[i] * scales.Word(run + (i / 16 * 8));
        return FromSum(total);
    }

    public static ByteLanesGeneric MultiplySigned(ByteLanesGeneric w, ByteLanesGeneric x)
    {
        var total = 0;
        for (var i = 0; i < 32; i++) total += (sbyte)w._v[i] * (sbyte)x._v[i];
        return FromSum(total);
    }

    public static ByteLanesGeneric MultiplyWords(ByteLanesGeneric a, ByteLanesGeneric b)
    {
        for (var i = 0; i < 16; i++) a.SetWord(i, (short)(a.Word(i) * b.Word(i)));
        return a;
    }

    public static ByteLanesGeneric SumWordProducts(ByteLanesGeneric a, ByteLanesGeneric b)
    {
        var total = 0;
        for (var i = 0; i < 16; i++) total += a.Word(i) * b.Word(i);
        return FromSum(total);
    }

    public static ByteLanesGeneric Words(short word)
    {
        ByteLanesGeneric r = default;
        for (var i = 0; i < 16; i++) r.SetWord(i, word);
        return r;
    }

    public static ByteLanesGeneric Add(ByteLanesGeneric a, ByteLanesGeneric b) => FromSum(Sum(a) + Sum(b));

    public static ByteLanesGeneric Add(ByteLanesGeneric sums, int number) => FromSum(Sum(sums) + number);

    public static unsafe void Store(ByteLanesGeneric sums, int* destination) => *destination = Sum(sums);

    public static unsafe Vector256<int> Totals(int* sums) =>
        Vector256.Create(sums[0], sums[8], sums[16], sums[24], sums[32], sums[40], sums[48], sums[56]);

    private static int Sum(ByteLanesGeneric sums) => MemoryMarshal.Read<int>(sums._v);

    private static ByteLanesGeneric FromSum(int total)
    {
        ByteLanesGeneric r = default;
        MemoryMarshal.Write(r._v, in total);
        return r;
    }

    private readonly short Word(int index) => MemoryMarshal.Read<short>(((ReadOnlySpan<byte>)_v)[(2 * index)..]);

    private void SetWord(int index, short word) => MemoryMarshal.Write(((Span<byte>)_v)[(2 * index)..], in word);
}
