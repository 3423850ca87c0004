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
    public static ByteLanes256 ShiftRight(ByteLanes256 value, int count) => new(value._v >>> count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 ShiftLeft(ByteLanes256 value, int count) => new(value._v << count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 Multiply(ByteLanes256 codes, ByteLanes256 x)
    {
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
        var pairs = Avx2.MultiplyAddAdjacent(Avx2.Abs(w._v.AsSByte()), Avx2.Sign(x._v.AsSByte(), w._v.AsSByte()));
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
    public static int Sum(ByteLanes256 sums) => Vector256.Sum(sums._v.AsInt32());
}
