using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels.Lanes;

/// <summary>Sixteen rows in two 256-bit registers.</summary>
internal readonly unsafe struct RowLanes256 : IRowLanes<RowLanes256, Lanes256>
{
    private readonly Vector256<int> _a, _b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private RowLanes256(Vector256<int> a, Vector256<int> b)
    {
        _a = a;
        _b = b;
    }

    public static bool SignsBytes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Steps(int mostCode) => AvxVnni.IsSupported ? 8 : RowLanes128.StepsOfWords(mostCode);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes256 Load(byte* source) => new(Vector256.Load((int*)source), Vector256.Load((int*)source + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(RowLanes256 value, byte* destination)
    {
        value._a.Store((int*)destination);
        value._b.Store((int*)destination + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes256 Broadcast(byte* source)
    {
        var v = Vector256.Create(*(int*)source);
        return new(v, v);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes256 And(RowLanes256 value, byte mask)
    {
        var masks = Vector256.Create(mask).AsInt32();
        return new(value._a & masks, value._b & masks);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes256 TurnTopBits(RowLanes256 value)
    {
        var top = Vector256.Create((byte)128).AsInt32();
        return new(value._a ^ top, value._b ^ top);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes256 ShiftRight(RowLanes256 value, int count) => new(value._a >>> count, value._b >>> count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes256 ShiftLeft(RowLanes256 value, int count) => new(value._a << count, value._b << count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes256 operator -(RowLanes256 a, RowLanes256 b) => new(a._a - b._a, a._b - b._b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes256 MultiplyAdd(RowLanes256 sums, RowLanes256 codes, RowLanes256 x) =>
        new(MultiplyAdd(sums._a, codes._a, x._a), MultiplyAdd(sums._b, codes._b, x._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes256 AddPairs(RowLanes256 totals, RowLanes256 a, RowLanes256 b) =>
        new(AddPairs(totals._a, a._a, b._a), AddPairs(totals._b, a._b, b._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes256 Scales(RowLanes256 scales, byte* factor)
    {
        if (AvxVnni.IsSupported)
        {
            var number = Vector256.Create(*(int*)factor);
            return new(scales._a * number, scales._b * number);
        }

        var words = Vector256.Create(*(short*)factor);
        return new((Twice(scales._a) * words).AsInt32(), (Twice(scales._b) * words).AsInt32());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector256<short> Twice(Vector256<int> numbers) => ((numbers << 16) | (numbers & Vector256.Create(0xFFFF))).AsInt16();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes256 Scale(short scale)
    {
        var v = AvxVnni.IsSupported ? Vector256.Create((int)scale) : Vector256.Create(scale).AsInt32();
        return new(v, v);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes256 Fold(RowLanes256 totals, RowLanes256 sums, RowLanes256 scales) =>
        AvxVnni.IsSupported ? new(totals._a + (sums._a * scales._a), totals._b + (sums._b * scales._b)) : AddPairs(totals, sums, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ToFloats(RowLanes256 value) => new(Vector256.ConvertToSingle(value._a), Vector256.ConvertToSingle(value._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(int* rows, byte* columns)
    {
        if (!Avx2.IsSupported)
        {
            RowLanes128.Transpose(rows, columns);
            return;
        }

        // Two columns of four rows in each half, then one; then the first four rows' halves beside those of the last.
        var (ab, abLast) = Unpack(rows);
        var (cd, cdLast) = Unpack(rows + 16);
        var (ef, efLast) = Unpack(rows + 32);
        var (gh, ghLast) = Unpack(rows + 48);
        Write(Avx2.UnpackLow(ab, cd), Avx2.UnpackLow(ef, gh), columns);
        Write(Avx2.UnpackHigh(ab, cd), Avx2.UnpackHigh(ef, gh), columns + WeightPanel.RowBytes);
        Write(Avx2.UnpackLow(abLast, cdLast), Avx2.UnpackLow(efLast, ghLast), columns + (2 * WeightPanel.RowBytes));
        Write(Avx2.UnpackHigh(abLast, cdLast), Avx2.UnpackHigh(efLast, ghLast), columns + (3 * WeightPanel.RowBytes));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static (Vector256<long>, Vector256<long>) Unpack(int* rows)
        {
            Vector256<int> first = Vector256.Load(rows), last = Vector256.Load(rows + 8);
            return (Avx2.UnpackLow(first, last).AsInt64(), Avx2.UnpackHigh(first, last).AsInt64());
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Write(Vector256<long> first, Vector256<long> last, byte* column)
        {
            Avx2.Permute2x128(first, last, 0x20).Store((long*)column);
            Avx2.Permute2x128(first, last, 0x31).Store((long*)(column + (4 * WeightPanel.RowBytes)));
        }
    }

    /// <summary>Adds the products of pairs of bytes to words, whatever else the processor has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<int> AddToWords(Vector256<int> sums, Vector256<int> codes, Vector256<int> x)
    {
        if (Avx2.IsSupported) return (sums.AsInt16() + Avx2.MultiplyAddAdjacent(codes.AsByte(), x.AsSByte())).AsInt32();
        return Vector256.Create(
            RowLanes128.AddToWords(sums.GetLower(), codes.GetLower(), x.GetLower()), RowLanes128.AddToWords(sums.GetUpper(), codes.GetUpper(), x.GetUpper()));
    }

    /// <summary>Adds the products of pairs of words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<int> AddPairs(Vector256<int> totals, Vector256<int> a, Vector256<int> b)
    {
        if (AvxVnni.IsSupported) return AvxVnni.MultiplyWideningAndAdd(totals, a.AsInt16(), b.AsInt16());
        if (Avx2.IsSupported) return totals + Avx2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16());
        return Vector256.Create(
            RowLanes128.AddPairs(totals.GetLower(), a.GetLower(), b.GetLower()), RowLanes128.AddPairs(totals.GetUpper(), a.GetUpper(), b.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> MultiplyAdd(Vector256<int> sums, Vector256<int> codes, Vector256<int> x) =>
        AvxVnni.IsSupported ? AvxVnni.MultiplyWideningAndAdd(sums, codes.AsByte(), x.AsSByte()) : AddToWords(sums, codes, x);
}
