using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels;

/// <summary>
/// One way of multiplying and adding that a kernel may be made of. A step reads the sums it goes on from, so that a
/// compiler cannot take it out of a loop.
/// </summary>
internal interface IProduct<T> where T : struct
{
    /// <summary>Multiplications and additions of a step, together.</summary>
    static abstract int Operations { get; }

    /// <summary>The other factor.</summary>
    static abstract T Factor { get; }

    /// <summary>Multiplies with the factor, and adds.</summary>
    static abstract T Step(T sums, T factor);
}

/// <summary>Sixteen floats, fused.</summary>
internal readonly struct FloatProduct512 : IProduct<Vector512<float>>
{
    public static int Operations => 32;

    public static Vector512<float> Factor => Vector512.Create(0.5f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Step(Vector512<float> sums, Vector512<float> factor) => Vector512.FusedMultiplyAdd(sums, factor, factor);
}

/// <summary>Eight floats, fused.</summary>
internal readonly struct FloatProduct256 : IProduct<Vector256<float>>
{
    public static int Operations => 16;

    public static Vector256<float> Factor => Vector256.Create(0.5f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Step(Vector256<float> sums, Vector256<float> factor) => Vector256.FusedMultiplyAdd(sums, factor, factor);
}

/// <summary>Four floats, fused; runs anywhere.</summary>
internal readonly struct FloatProduct128 : IProduct<Vector128<float>>
{
    public static int Operations => 8;

    public static Vector128<float> Factor => Vector128.Create(0.5f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Step(Vector128<float> sums, Vector128<float> factor) => Vector128.FusedMultiplyAdd(sums, factor, factor);
}

/// <summary>Sixty-four bytes: pairs to words, pairs of words to sums.</summary>
internal readonly struct ByteProduct512 : IProduct<Vector512<int>>
{
    public static int Operations => 128;

    public static Vector512<int> Factor => Vector512.Create((byte)1).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Step(Vector512<int> sums, Vector512<int> factor) =>
        sums + Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(sums.AsByte(), factor.AsSByte()), factor.AsInt16());
}

/// <summary>Thirty-two bytes, as <see cref="ByteProduct512"/>.</summary>
internal readonly struct ByteProduct256 : IProduct<Vector256<int>>
{
    public static int Operations => 64;

    public static Vector256<int> Factor => Vector256.Create((byte)1).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Step(Vector256<int> sums, Vector256<int> factor) =>
        sums + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(sums.AsByte(), factor.AsSByte()), factor.AsInt16());
}

/// <summary>Thirty-two bytes to sums in one instruction.</summary>
internal readonly struct ByteDotProduct256 : IProduct<Vector256<int>>
{
    public static int Operations => 64;

    public static Vector256<int> Factor => Vector256.Create((byte)1).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Step(Vector256<int> sums, Vector256<int> factor) =>
        AvxVnni.MultiplyWideningAndAdd(sums, factor.AsByte(), factor.AsSByte());
}

/// <summary>Sixteen bytes by the best that a processor with registers of 128 bits offers; runs anywhere.</summary>
internal readonly struct ByteProduct128 : IProduct<Vector128<int>>
{
    public static int Operations => 32;

    public static Vector128<int> Factor => Vector128.Create((byte)1).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Step(Vector128<int> sums, Vector128<int> factor)
    {
        if (Dp.IsSupported) return Dp.DotProduct(sums, sums.AsSByte(), factor.AsSByte());
        if (Ssse3.IsSupported)
            return sums + Sse2.MultiplyAddAdjacent(Ssse3.MultiplyAddAdjacent(sums.AsByte(), factor.AsSByte()), factor.AsInt16());
        var (first, last) = Vector128.Widen(sums.AsSByte());
        var (low, high) = Vector128.Widen((first * factor.AsInt16()) + (last * factor.AsInt16()));
        return sums + low + high;
    }
}
