using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
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
    public static ByteLanes128 LoadWords(ref readonly short source) =>
        new(Vector128.LoadUnsafe(in source).AsByte(), Vector128.LoadUnsafe(in source, 8).AsByte());

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
    public static ByteLanes128 WidenTwice(ulong bytes)
    {
        var words = Vector128.WidenLower(Vector128.CreateScalar(bytes).AsByte()).AsByte();
        return new(words, words);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 WidenEvenOdd(ref readonly byte source)
    {
        var (even, odd) = WidenEvenOdd(Vector128.LoadUnsafe(in source));
        return new(even, odd);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 operator |(ByteLanes128 a, ByteLanes128 b) => new(a._a | b._a, a._b | b._b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 And(ByteLanes128 value, byte mask) => new(value._a & Vector128.Create(mask), value._b & Vector128.Create(mask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 ShiftRight(ByteLanes128 value, int count) => new((value._a.AsUInt64() >>> count).AsByte(), (value._b.AsUInt64() >>> count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 ShiftLeft(ByteLanes128 value, int count) => new((value._a.AsUInt64() << count).AsByte(), (value._b.AsUInt64() << count).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 Multiply(ByteLanes128 codes, ByteLanes128 x) => new(Multiply(codes._a, x._a), Multiply(codes._b, x._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 MultiplyAdd(ByteLanes128 codes, ByteLanes128 x, ByteLanes128 scales, int run, ByteLanes128 sums) =>
        new(MultiplyAdd(codes._a, x._a, scales._a, run, sums._a), MultiplyAdd(codes._b, x._b, scales._b, run, sums._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 MultiplySigned(ByteLanes128 w, ByteLanes128 x) => new(MultiplySigned(w._a, x._a), MultiplySigned(w._b, x._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 MultiplyWords(ByteLanes128 a, ByteLanes128 b) =>
        new((a._a.AsInt16() * b._a.AsInt16()).AsByte(), (a._b.AsInt16() * b._b.AsInt16()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 SumWordProducts(ByteLanes128 a, ByteLanes128 b) =>
        new(SumWordProducts(a._a, b._a), SumWordProducts(a._b, b._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 Words(short word) => new(Vector128.Create(word).AsByte(), Vector128.Create(word).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 Add(ByteLanes128 a, ByteLanes128 b) =>
        new((a._a.AsInt32() + b._a.AsInt32()).AsByte(), (a._b.AsInt32() + b._b.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes128 Add(ByteLanes128 sums, int number) => new((sums._a.AsInt32() + Vector128.CreateScalar(number)).AsByte(), sums._b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Store(ByteLanes128 sums, int* destination) => (sums._a.AsInt32() + sums._b.AsInt32()).Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<int> Totals(int* sums) => Vector256.Create(FourTotals(sums), FourTotals(sums + 32));

    /// <summary>Sums of neighbours, of the first register and then of the second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<int> Pairs(Vector128<int> a, Vector128<int> b)
    {
        if (Ssse3.IsSupported) return Ssse3.HorizontalAdd(a, b);
        if (AdvSimd.Arm64.IsSupported) return AdvSimd.Arm64.AddPairwise(a, b);
        return Vector128.Create(a[0] + a[1], a[2] + a[3], b[0] + b[1], b[2] + b[3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector128<int> FourTotals(int* sums) => Pairs(
        Pairs(Vector128.Load(sums), Vector128.Load(sums + 8)), Pairs(Vector128.Load(sums + 16), Vector128.Load(sums + 24)));

    /// <summary>Adding it changes no number, not even the sign of zero.</summary>
    internal const float NoAddend = -0f;

    /// <summary>y = (code − offset) · scale + addend, three operations of IEEE arithmetic, for all 32 codes.</summary>
    internal void Decode(float offset, float scale, float addend, Span<float> y) => Decode(offset, scale, scale, addend, y);

    /// <summary>The same with a scale for each sixteen codes.</summary>
    internal void Decode(float offset, float firstScale, float lastScale, float addend, Span<float> y)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(y.Length, 32, nameof(y));
        Decode(_a, offset, firstScale, addend, ref y[0]);
        Decode(_b, offset, lastScale, addend, ref y[16]);
    }

    /// <summary>y = code · scale, codes signed.</summary>
    internal void DecodeSigned(float scale, Span<float> y)
    {
        // With the top bit turned over, a signed code is an unsigned one that is 128 higher.
        var top = Vector128.Create((byte)128);
        new ByteLanes128(_a ^ top, _b ^ top).Decode(128, scale, NoAddend, y);
    }

    /// <summary>The places of a word's two bytes, as often as there are words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static short PlacesOfWord(int index) => (short)(0x0100 + (index * 0x0202));

    /// <summary>Sixteen signed bytes as words: those at even places, and those at odd ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static (Vector128<byte> Even, Vector128<byte> Odd) WidenEvenOdd(Vector128<byte> bytes)
    {
        var words = bytes.AsInt16();
        return (((words << 8) >> 8).AsByte(), (words >> 8).AsByte());
    }

    /// <summary>codes · x as four sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<byte> Multiply(Vector128<byte> codes, Vector128<byte> x)
    {
        // Codes of up to 63 are the same signed.
        if (Dp.IsSupported) return Dp.DotProduct(Vector128<int>.Zero, codes.AsSByte(), x.AsSByte()).AsByte();
        var (w0, w1) = Vector128.Widen(codes);
        return Products(w0.AsInt16(), w1.AsInt16(), x.AsSByte()).AsByte();
    }

    /// <summary>Adds codes · x · one word of the scales to four sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<byte> MultiplyAdd(Vector128<byte> codes, Vector128<byte> x, Vector128<byte> scales, int run, Vector128<byte> sums)
    {
        var scale = Vector128.Shuffle(scales, Vector128.Create(PlacesOfWord(run)).AsByte()).AsInt16();
        if (Ssse3.IsSupported)
        {
            var pairs = Ssse3.MultiplyAddAdjacent(codes, x.AsSByte());
            return (sums.AsInt32() + Sse2.MultiplyAddAdjacent(pairs, scale)).AsByte();
        }

        return (sums.AsInt32() + (Multiply(codes, x).AsInt32() * Vector128.WidenLower(scale))).AsByte();
    }

    /// <summary>w · x as four sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<byte> MultiplySigned(Vector128<byte> w, Vector128<byte> x)
    {
        if (Dp.IsSupported) return Dp.DotProduct(Vector128<int>.Zero, w.AsSByte(), x.AsSByte()).AsByte();
        var (w0, w1) = Vector128.Widen(w.AsSByte());
        return Products(w0, w1, x.AsSByte()).AsByte();
    }

    /// <summary>The products of eight words as four sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<byte> SumWordProducts(Vector128<byte> a, Vector128<byte> b)
    {
        if (Sse2.IsSupported) return Sse2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16()).AsByte();
        var (a0, a1) = Vector128.Widen(a.AsInt16());
        var (b0, b1) = Vector128.Widen(b.AsInt16());
        return ((a0 * b0) + (a1 * b1)).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Decode(Vector128<byte> codes, float offset, float scale, float addend, ref float y)
    {
        var (low, high) = Vector128.Widen(codes);
        var (a, b) = Vector128.Widen(low);
        var (c, d) = Vector128.Widen(high);
        Four(a).StoreUnsafe(ref y);
        Four(b).StoreUnsafe(ref y, 4);
        Four(c).StoreUnsafe(ref y, 8);
        Four(d).StoreUnsafe(ref y, 12);

        Vector128<float> Four(Vector128<uint> numbers) =>
            ((Vector128.ConvertToSingle(numbers.AsInt32()) - Vector128.Create(offset)) * Vector128.Create(scale)) + Vector128.Create(addend);
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
