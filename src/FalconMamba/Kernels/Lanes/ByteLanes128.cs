using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels.Lanes;

/// <summary>Thirty-two bytes in two 128-bit registers.</summary>
internal readonly struct ByteLanes128 : IByteLanes<ByteLanes128>
{
    private readonly Vector128<byte> _a, _b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ByteLanes128(Vector128<byte> a, Vector128<byte> b)
    {
        _a = a;
        _b = b;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 Load(ref readonly byte source, int offset) =>
        new(Vector128.LoadUnsafe(in source, (nuint)offset), Vector128.LoadUnsafe(in source, (nuint)offset + 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 LoadNibbles(ref readonly byte source)
    {
        var v = Vector128.LoadUnsafe(in source);
        return new(v & Vector128.Create((byte)15), v >>> 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 LoadFifthBits(uint bits)
    {
        var bytes = Vector128.CreateScalar(bits).AsByte();
        var places = Vector128.Create(0x8040201008040201ul).AsByte();
        return new(Spread(0x0000000000000000ul, 0x0101010101010101ul), Spread(0x0202020202020202ul, 0x0303030303030303ul));

        Vector128<byte> Spread(ulong first, ulong last) =>
            Vector128.Equals(Vector128.Shuffle(bytes, Vector128.Create(first, last).AsByte()) & places, places) & Vector128.Create((byte)16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 operator |(ByteLanes128 a, ByteLanes128 b) => new(a._a | b._a, a._b | b._b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 And(ByteLanes128 value, byte mask) => new(value._a & Vector128.Create(mask), value._b & Vector128.Create(mask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 ShiftRight(ByteLanes128 value, int count) => new(value._a >>> count, value._b >>> count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 ShiftLeft(ByteLanes128 value, int count) => new(value._a << count, value._b << count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 MultiplyAdd(ByteLanes128 codes, ByteLanes128 x, int firstScale, int lastScale, ByteLanes128 sums) =>
        new(MultiplyAdd(codes._a, x._a, firstScale, sums._a), MultiplyAdd(codes._b, x._b, lastScale, sums._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 MultiplySigned(ByteLanes128 w, ByteLanes128 x) => new(MultiplySigned(w._a, x._a), MultiplySigned(w._b, x._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Sum(ByteLanes128 sums) => Vector128.Sum(sums._a.AsInt32() + sums._b.AsInt32());

    /// <summary>Adds codes · x · scale to four sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<byte> MultiplyAdd(Vector128<byte> codes, Vector128<byte> x, int scale, Vector128<byte> sums)
    {
        if (Ssse3.IsSupported)
        {
            var pairs = Ssse3.MultiplyAddAdjacent(codes, x.AsSByte());
            return (sums.AsInt32() + Sse2.MultiplyAddAdjacent(pairs, Vector128.Create((short)scale))).AsByte();
        }

        var (w0, w1) = Vector128.Widen(codes);
        return (sums.AsInt32() + (Products(w0.AsInt16(), w1.AsInt16(), x.AsSByte()) * scale)).AsByte();
    }

    /// <summary>w · x as four sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<byte> MultiplySigned(Vector128<byte> w, Vector128<byte> x)
    {
        var (w0, w1) = Vector128.Widen(w.AsSByte());
        return Products(w0, w1, x.AsSByte()).AsByte();
    }

    // Two products of at most 128 · 127 fit sixteen bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Products(Vector128<short> w0, Vector128<short> w1, Vector128<sbyte> x)
    {
        var (x0, x1) = Vector128.Widen(x);
        var (a, b) = Vector128.Widen((w0 * x0) + (w1 * x1));
        return a + b;
    }
}
