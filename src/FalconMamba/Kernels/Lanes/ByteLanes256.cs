using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels.Lanes;

/// <summary>Thirty-two bytes in one 256-bit register.</summary>
internal readonly struct ByteLanes256 : IByteLanes<ByteLanes256>
{
    private readonly Vector256<byte> _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ByteLanes256(Vector256<byte> v) => _v = v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 Load(ref readonly byte source, int offset) => new(Vector256.LoadUnsafe(in source, (nuint)offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 LoadWords(ref readonly short source) => new(Vector256.LoadUnsafe(in source).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 LoadNibbles(ref readonly byte source)
    {
        var v = Vector128.LoadUnsafe(in source);
        return new(Vector256.Create(v & Vector128.Create((byte)15), v >>> 4));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 LoadFifthBits(uint bits)
    {
        var bytes = Vector256.Create(bits).AsByte();
        var indices = Vector256.Create(0x0000000000000000ul, 0x0101010101010101ul, 0x0202020202020202ul, 0x0303030303030303ul).AsByte();
        var places = Vector256.Create(0x8040201008040201ul).AsByte();

        // Each half of the register holds the 32 bits several times over, so that a shuffle inside the halves will do.
        var spread = Avx2.IsSupported ? Avx2.Shuffle(bytes, indices) : Vector256.Shuffle(bytes, indices);
        return new(Vector256.Equals(spread & places, places) & Vector256.Create((byte)16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 WidenTwice(ulong bytes)
    {
        var words = Vector128.WidenLower(Vector128.CreateScalar(bytes).AsByte()).AsByte();
        return new(Vector256.Create(words, words));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 WidenEvenOdd(ref readonly byte source)
    {
        var (even, odd) = ByteLanes128.WidenEvenOdd(Vector128.LoadUnsafe(in source));
        return new(Vector256.Create(even, odd));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 operator |(ByteLanes256 a, ByteLanes256 b) => new(a._v | b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 And(ByteLanes256 value, byte mask) => new(value._v & Vector256.Create(mask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 ShiftRight(ByteLanes256 value, int count) => new((value._v.AsUInt64() >>> count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 ShiftLeft(ByteLanes256 value, int count) => new((value._v.AsUInt64() << count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 Multiply(ByteLanes256 codes, ByteLanes256 x)
    {
        if (AvxVnni.IsSupported) return new(AvxVnni.MultiplyWideningAndAdd(Vector256<int>.Zero, codes._v, x._v.AsSByte()).AsByte());
        if (Avx2.IsSupported)
            return new(Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(codes._v, x._v.AsSByte()), Vector256.Create((short)1)).AsByte());
        return new(Vector256.Create(
            ByteLanes128.Multiply(codes._v.GetLower(), x._v.GetLower()), ByteLanes128.Multiply(codes._v.GetUpper(), x._v.GetUpper())));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 MultiplyAdd(ByteLanes256 codes, ByteLanes256 x, ByteLanes256 scales, int run, ByteLanes256 sums)
    {
        if (Avx2.IsSupported)
        {
            var scale = Avx2.Shuffle(scales._v, Vector256.Create(ByteLanes128.PlacesOfWord(run)).AsByte()).AsInt16();
            var pairs = Avx2.MultiplyAddAdjacent(codes._v, x._v.AsSByte());
            return new((sums._v.AsInt32() + Avx2.MultiplyAddAdjacent(pairs, scale)).AsByte());
        }

        return new(Vector256.Create(
            ByteLanes128.MultiplyAdd(codes._v.GetLower(), x._v.GetLower(), scales._v.GetLower(), run, sums._v.GetLower()),
            ByteLanes128.MultiplyAdd(codes._v.GetUpper(), x._v.GetUpper(), scales._v.GetUpper(), run, sums._v.GetUpper())));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 MultiplySigned(ByteLanes256 w, ByteLanes256 x)
    {
        if (!Avx2.IsSupported)
        {
            return new(Vector256.Create(
                ByteLanes128.MultiplySigned(w._v.GetLower(), x._v.GetLower()),
                ByteLanes128.MultiplySigned(w._v.GetUpper(), x._v.GetUpper())));
        }

        // The sign moves to x, which is never −128.
        var magnitudes = Avx2.Abs(w._v.AsSByte());
        var signed = Avx2.Sign(x._v.AsSByte(), w._v.AsSByte());
        if (AvxVnni.IsSupported) return new(AvxVnni.MultiplyWideningAndAdd(Vector256<int>.Zero, magnitudes, signed).AsByte());
        var pairs = Avx2.MultiplyAddAdjacent(magnitudes, signed);
        return new(Avx2.MultiplyAddAdjacent(pairs, Vector256.Create((short)1)).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 MultiplyWords(ByteLanes256 a, ByteLanes256 b) => new((a._v.AsInt16() * b._v.AsInt16()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 SumWordProducts(ByteLanes256 a, ByteLanes256 b)
    {
        if (Avx2.IsSupported) return new(Avx2.MultiplyAddAdjacent(a._v.AsInt16(), b._v.AsInt16()).AsByte());
        return new(Vector256.Create(
            ByteLanes128.SumWordProducts(a._v.GetLower(), b._v.GetLower()), ByteLanes128.SumWordProducts(a._v.GetUpper(), b._v.GetUpper())));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 Words(short word) => new(Vector256.Create(word).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 Add(ByteLanes256 a, ByteLanes256 b) => new((a._v.AsInt32() + b._v.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 Add(ByteLanes256 sums, int number) => new((sums._v.AsInt32() + Vector256.CreateScalar(number)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Store(ByteLanes256 sums, int* destination) => sums._v.Store((byte*)destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<int> Totals(int* sums)
    {
        // Three rounds of pairwise sums: of two rows, of four, and of all eight across the register's halves.
        var a = Pairs(Pairs(Row(sums, 0), Row(sums, 1)), Pairs(Row(sums, 2), Row(sums, 3)));
        var b = Pairs(Pairs(Row(sums, 4), Row(sums, 5)), Pairs(Row(sums, 6), Row(sums, 7)));
        if (!Avx.IsSupported) return Vector256.Create(a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper());
        return Avx.Permute2x128(a, b, 0x20) + Avx.Permute2x128(a, b, 0x31);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ByteLanes256 FromSums(Vector256<int> sums) => new(sums.AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<byte> Register(ByteLanes256 lanes) => lanes._v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector256<int> Row(int* sums, int row) => Vector256.Load(sums + (8 * row));

    // Sums of neighbours, of the first and of the second register in turn, in each half.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Pairs(Vector256<int> a, Vector256<int> b)
    {
        if (!Avx2.IsSupported)
            return Vector256.Create(ByteLanes128.Pairs(a.GetLower(), b.GetLower()), ByteLanes128.Pairs(a.GetUpper(), b.GetUpper()));
        return Avx2.HorizontalAdd(a, b);
    }
}
