using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels.Lanes;

/// <summary>Sixteen rows in one 512-bit register. The runtime offers no VNNI on it, so products are added up in words.</summary>
internal readonly unsafe struct RowLanes512 : IRowLanes<RowLanes512, Lanes512>
{
    private readonly Vector512<int> _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private RowLanes512(Vector512<int> v) => _v = v;

    public static bool SignsBytes => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Steps(int mostCode) => RowLanes128.StepsOfWords(mostCode);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes512 Load(byte* source) => new(Vector512.Load((int*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(RowLanes512 value, byte* destination) => value._v.Store((int*)destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes512 Broadcast(byte* source) => new(Vector512.Create(*(int*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes512 And(RowLanes512 value, byte mask) => new(value._v & Vector512.Create(mask).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes512 TurnTopBits(RowLanes512 value) => new(value._v ^ Vector512.Create((byte)128).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes512 ShiftRight(RowLanes512 value, int count) => new(value._v >>> count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes512 ShiftLeft(RowLanes512 value, int count) => new(value._v << count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes512 operator -(RowLanes512 a, RowLanes512 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes512 MultiplyAdd(RowLanes512 sums, RowLanes512 codes, RowLanes512 x)
    {
        if (Avx512BW.IsSupported) return new((sums._v.AsInt16() + Avx512BW.MultiplyAddAdjacent(codes._v.AsByte(), x._v.AsSByte())).AsInt32());
        return new(Vector512.Create(
            RowLanes256.AddToWords(sums._v.GetLower(), codes._v.GetLower(), x._v.GetLower()),
            RowLanes256.AddToWords(sums._v.GetUpper(), codes._v.GetUpper(), x._v.GetUpper())));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes512 AddPairs(RowLanes512 totals, RowLanes512 a, RowLanes512 b)
    {
        if (Avx512BW.IsSupported) return new(totals._v + Avx512BW.MultiplyAddAdjacent(a._v.AsInt16(), b._v.AsInt16()));
        return new(Vector512.Create(
            RowLanes256.AddPairs(totals._v.GetLower(), a._v.GetLower(), b._v.GetLower()),
            RowLanes256.AddPairs(totals._v.GetUpper(), a._v.GetUpper(), b._v.GetUpper())));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes512 Scales(RowLanes512 scales, byte* factor) =>
        new((((scales._v << 16) | (scales._v & Vector512.Create(0xFFFF))).AsInt16() * Vector512.Create(*(short*)factor)).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes512 Scale(short scale) => new(Vector512.Create(scale).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLanes512 Fold(RowLanes512 totals, RowLanes512 sums, RowLanes512 scales) => AddPairs(totals, sums, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 ToFloats(RowLanes512 value) => new(Vector512.ConvertToSingle(value._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(int* rows, byte* columns) =>
        RowLanes256.Transpose(rows, columns);
}
