using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels.Lanes;

/// <summary>A pair in one 512-bit register.</summary>
internal readonly struct BytePair512 : IBytePair<BytePair512, ByteLanes256>
{
    private readonly Vector512<byte> _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private BytePair512(Vector512<byte> v) => _v = v;

    /// <summary>Whether the processor has byte operations on such registers.</summary>
    public static bool IsSupported => Avx512BW.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair512 Load(ref readonly byte source, int offset) => new(Vector512.LoadUnsafe(in source, (nuint)offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair512 LoadTwice(ref readonly byte source, int offset)
    {
        // Avx512F.BroadcastVector256ToVector512 reads the wrong place from memory with an offset (.NET 10.0).
        var half = Vector256.LoadUnsafe(in source, (nuint)offset);
        return new(Avx512F.InsertVector256(half.ToVector512Unsafe(), half, 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair512 Twice(ByteLanes256 bytes) =>
        new(Avx512F.InsertVector256(ByteLanes256.Register(bytes).ToVector512Unsafe(), ByteLanes256.Register(bytes), 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair512 operator |(BytePair512 a, BytePair512 b) => new(a._v | b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair512 And(BytePair512 value, byte mask) => new(value._v & Vector512.Create(mask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair512 ShiftRight(BytePair512 value, int first, int last) =>
        new(Avx512F.ShiftRightLogicalVariable(value._v.AsUInt64(), Counts(first, last)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair512 ShiftLeft(BytePair512 value, int first, int last) =>
        new(Avx512F.ShiftLeftLogicalVariable(value._v.AsUInt64(), Counts(first, last)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair512 MultiplyAdd(BytePair512 codes, BytePair512 x, BytePair512 scales, int run, BytePair512 sums)
    {
        // Spelled out, so that it is a constant.
        short a = ByteLanes128.PlacesOfWord(run), b = ByteLanes128.PlacesOfWord(run + 1);
        var places = Vector512.Create(a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b).AsByte();
        var pairs = Avx512BW.MultiplyAddAdjacent(codes._v, x._v.AsSByte());
        var scale = Avx512BW.Shuffle(scales._v, places).AsInt16();
        return new((sums._v.AsInt32() + Avx512BW.MultiplyAddAdjacent(pairs, scale)).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteLanes256 Fold(BytePair512 sums) => ByteLanes256.FromSums(sums._v.GetLower().AsInt32() + sums._v.GetUpper().AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Counts(int first, int last) => Vector512.Create(
        (ulong)first, (ulong)first, (ulong)first, (ulong)first, (ulong)last, (ulong)last, (ulong)last, (ulong)last);
}
