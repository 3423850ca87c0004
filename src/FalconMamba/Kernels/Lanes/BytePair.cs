using System.Runtime.CompilerServices;

namespace FalconMamba.Kernels.Lanes;

/// <summary>A pair in two times thirty-two bytes of any path.</summary>
internal readonly struct BytePair<TBytes> : IBytePair<BytePair<TBytes>, TBytes> where TBytes : unmanaged, IByteLanes<TBytes>
{
    private readonly TBytes _first, _last;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private BytePair(TBytes first, TBytes last)
    {
        _first = first;
        _last = last;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<TBytes> Load(ref readonly byte source, int offset) =>
        new(TBytes.Load(in source, offset), TBytes.Load(in source, offset + 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<TBytes> LoadTwice(ref readonly byte source, int offset) => Twice(TBytes.Load(in source, offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<TBytes> Twice(TBytes bytes) => new(bytes, bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<TBytes> operator |(BytePair<TBytes> a, BytePair<TBytes> b) => new(a._first | b._first, a._last | b._last);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<TBytes> And(BytePair<TBytes> value, byte mask) => new(TBytes.And(value._first, mask), TBytes.And(value._last, mask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<TBytes> ShiftRight(BytePair<TBytes> value, int first, int last) =>
        new(TBytes.ShiftRight(value._first, first), TBytes.ShiftRight(value._last, last));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<TBytes> ShiftLeft(BytePair<TBytes> value, int first, int last) =>
        new(TBytes.ShiftLeft(value._first, first), TBytes.ShiftLeft(value._last, last));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BytePair<TBytes> MultiplyAdd(BytePair<TBytes> codes, BytePair<TBytes> x, BytePair<TBytes> scales, int run, BytePair<TBytes> sums) => new(
        TBytes.MultiplyAdd(codes._first, x._first, scales._first, run, sums._first),
        TBytes.MultiplyAdd(codes._last, x._last, scales._last, run + 1, sums._last));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Fold(BytePair<TBytes> sums) => TBytes.Add(sums._first, sums._last);
}
