using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels.Lanes;

/// <summary>Sixteen rows in four 128-bit registers.</summary>
internal readonly unsafe struct RowLanes128 : IRowLanes<RowLanes128, Lanes128>
{
    private readonly Vector128<int> _a, _b, _c, _d;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private RowLanes128(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d)
    {
        _a = a;
        _b = b;
        _c = c;
        _d = d;
    }

    // ARM's product of bytes has both signed.
    public static bool SignsBytes => Dp.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Steps(int mostCode) => Dp.IsSupported ? 8 : StepsOfWords(mostCode);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes128 Load(byte* source) => new(
        Vector128.Load((int*)source), Vector128.Load((int*)source + 4), Vector128.Load((int*)source + 8), Vector128.Load((int*)source + 12));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(RowLanes128 value, byte* destination)
    {
        value._a.Store((int*)destination);
        value._b.Store((int*)destination + 4);
        value._c.Store((int*)destination + 8);
        value._d.Store((int*)destination + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes128 Broadcast(byte* source) => Same(Vector128.Create(*(int*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes128 And(RowLanes128 value, byte mask)
    {
        var masks = Vector128.Create(mask).AsInt32();
        return new(value._a & masks, value._b & masks, value._c & masks, value._d & masks);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes128 TurnTopBits(RowLanes128 value)
    {
        var top = Vector128.Create((byte)128).AsInt32();
        return new(value._a ^ top, value._b ^ top, value._c ^ top, value._d ^ top);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes128 ShiftRight(RowLanes128 value, int count) =>
        new(value._a >>> count, value._b >>> count, value._c >>> count, value._d >>> count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes128 ShiftLeft(RowLanes128 value, int count) =>
        new(value._a << count, value._b << count, value._c << count, value._d << count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes128 operator -(RowLanes128 a, RowLanes128 b) => new(a._a - b._a, a._b - b._b, a._c - b._c, a._d - b._d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes128 MultiplyAdd(RowLanes128 sums, RowLanes128 codes, RowLanes128 x) => new(
        MultiplyAdd(sums._a, codes._a, x._a), MultiplyAdd(sums._b, codes._b, x._b), MultiplyAdd(sums._c, codes._c, x._c), MultiplyAdd(sums._d, codes._d, x._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes128 AddPairs(RowLanes128 totals, RowLanes128 a, RowLanes128 b) => new(
        AddPairs(totals._a, a._a, b._a), AddPairs(totals._b, a._b, b._b), AddPairs(totals._c, a._c, b._c), AddPairs(totals._d, a._d, b._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes128 Scales(RowLanes128 scales, byte* factor)
    {
        if (Dp.IsSupported)
        {
            var number = Vector128.Create(*(int*)factor);
            return new(scales._a * number, scales._b * number, scales._c * number, scales._d * number);
        }

        var words = Vector128.Create(*(short*)factor);
        return new(
            (Twice(scales._a) * words).AsInt32(), (Twice(scales._b) * words).AsInt32(),
            (Twice(scales._c) * words).AsInt32(), (Twice(scales._d) * words).AsInt32());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector128<short> Twice(Vector128<int> numbers) => ((numbers << 16) | (numbers & Vector128.Create(0xFFFF))).AsInt16();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes128 Scale(short scale) => Same(Dp.IsSupported ? Vector128.Create((int)scale) : Vector128.Create(scale).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes128 Fold(RowLanes128 totals, RowLanes128 sums, RowLanes128 scales) => Dp.IsSupported
        ? new(
            totals._a + (sums._a * scales._a), totals._b + (sums._b * scales._b),
            totals._c + (sums._c * scales._c), totals._d + (sums._d * scales._d))
        : AddPairs(totals, sums, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 ToFloats(RowLanes128 value) => new(
        Vector128.ConvertToSingle(value._a), Vector128.ConvertToSingle(value._b), Vector128.ConvertToSingle(value._c), Vector128.ConvertToSingle(value._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(int* rows, byte* columns)
    {
        for (var row = 0; row < 8; row += 4)
            for (var column = 0; column < 8; column += 4)
                TransposeFour(rows + (8 * row) + column, columns + (column * WeightPanel.RowBytes) + (row * sizeof(int)));
    }

    /// <summary>How many products of codes and activations of −127 to 127 a pair of words has room for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int StepsOfWords(int mostCode) => mostCode <= 15 ? 8 : mostCode <= 31 ? 4 : mostCode <= 63 ? 2 : 0;

    /// <summary>Adds the products of pairs of bytes to words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<int> AddToWords(Vector128<int> sums, Vector128<int> codes, Vector128<int> x)
    {
        if (Ssse3.IsSupported) return (sums.AsInt16() + Ssse3.MultiplyAddAdjacent(codes.AsByte(), x.AsSByte())).AsInt32();
        // Codes of up to 63 are the same signed.
        var (even, odd) = ByteLanes128.WidenEvenOdd(codes.AsByte());
        var (evenX, oddX) = ByteLanes128.WidenEvenOdd(x.AsByte());
        return (sums.AsInt16() + (even.AsInt16() * evenX.AsInt16()) + (odd.AsInt16() * oddX.AsInt16())).AsInt32();
    }

    /// <summary>Adds the products of pairs of words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<int> AddPairs(Vector128<int> totals, Vector128<int> a, Vector128<int> b) => Sse2.IsSupported
        ? totals + Sse2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16())
        : totals + ((a << 16 >> 16) * (b << 16 >> 16)) + ((a >> 16) * (b >> 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static RowLanes128 Same(Vector128<int> v) => new(v, v, v, v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> MultiplyAdd(Vector128<int> sums, Vector128<int> codes, Vector128<int> x) =>
        Dp.IsSupported ? Dp.DotProduct(sums, codes.AsSByte(), x.AsSByte()) : AddToWords(sums, codes, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeFour(int* rows, byte* columns)
    {
        Vector128<int> a = Vector128.Load(rows), b = Vector128.Load(rows + 8), c = Vector128.Load(rows + 16), d = Vector128.Load(rows + 24);
        Vector128<long> ab = Low(a, b).AsInt64(), cd = Low(c, d).AsInt64(), abLast = High(a, b).AsInt64(), cdLast = High(c, d).AsInt64();
        LowOf(ab, cd).Store((long*)columns);
        HighOf(ab, cd).Store((long*)(columns + WeightPanel.RowBytes));
        LowOf(abLast, cdLast).Store((long*)(columns + (2 * WeightPanel.RowBytes)));
        HighOf(abLast, cdLast).Store((long*)(columns + (3 * WeightPanel.RowBytes)));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector128<int> Low(Vector128<int> a, Vector128<int> b)
        {
            if (Sse2.IsSupported) return Sse2.UnpackLow(a, b);
            return AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b) : Vector128.Create(a[0], b[0], a[1], b[1]);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector128<int> High(Vector128<int> a, Vector128<int> b)
        {
            if (Sse2.IsSupported) return Sse2.UnpackHigh(a, b);
            return AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b) : Vector128.Create(a[2], b[2], a[3], b[3]);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector128<long> LowOf(Vector128<long> a, Vector128<long> b)
        {
            if (Sse2.IsSupported) return Sse2.UnpackLow(a, b);
            return AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b) : Vector128.Create(a.GetLower(), b.GetLower());
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector128<long> HighOf(Vector128<long> a, Vector128<long> b)
        {
            if (Sse2.IsSupported) return Sse2.UnpackHigh(a, b);
            return AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b) : Vector128.Create(a.GetUpper(), b.GetUpper());
        }
    }
}
