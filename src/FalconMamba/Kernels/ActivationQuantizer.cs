using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FalconMamba.Kernels;

/// <summary>
/// Rounds activations to eight bits. A block has one float scale, and each group of 32 in it a factor, a small whole number,
/// so that an outlier costs only its own group precision: x ≈ scale · factor · code. A block of 256 has factors from 1 to 16,
/// which leave its products exact in 32-bit integers; a block of 32 has the factor 1.
/// </summary>
/// <remarks>
/// Every step is one operation of IEEE arithmetic on one number, or an exact one on integers, so that all machines and vector
/// widths give the same bits.
/// </remarks>
internal unsafe struct ActivationQuantizer : IBlockJob
{
    /// <summary>The codes of a factor.</summary>
    public const int Group = 32;

    private const int LargestCode = 127, LargestFactor = 16;
    private const int Magnitude = 0x7FFFFFFF, Infinity = 0x7F800000;

    // Below it reciprocals would overflow; such a block is zero beside any other.
    private const float Least = 1e-30f;

    // 1.5 · 2²³: the sum's low bits are the number rounded to the nearest integer, ties to even.
    private const float Rounder = 12582912f;

    private float* _input;
    private int _stride;
    private QuantizedRows _output;

    /// <summary>Rounds rows of the output's width.</summary>
    public static void Run(float* input, int stride, in QuantizedRows output, int tokens, ComputePool pool, int threads)
    {
        var job = new ActivationQuantizer { _input = input, _stride = stride, _output = output };
        pool.Run(ref job, tokens, threads);
    }

    /// <summary>Rounds one row.</summary>
    public readonly void Run(int block)
    {
        var x = _input + ((nint)block * _stride);
        var row = _output.From(block);
        for (var k = 0; k < row.Columns; k += row.Block)
            row.Scales[k / row.Block] = RoundBlock(x + k, row.Block, row.Codes + k, row.Factors + (k / Group), row.Sums + (k / 16));
    }

    /// <summary>Rounds one block and returns its scale; NaN if a number in it is not finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float RoundBlock(float* x, int length, byte* codes, byte* factors, short* sums)
    {
        var groups = length / Group;
        var largest = stackalloc float[groups];
        var most = 0;
        for (var g = 0; g < groups; g++)
        {
            var bits = LargestMagnitude(x + (g * Group));
            largest[g] = BitConverter.Int32BitsToSingle(bits);
            most = Math.Max(most, bits);
        }

        var isFinite = most < Infinity;
        var most32 = BitConverter.Int32BitsToSingle(most);
        var steps = groups == 1 ? 1 : LargestFactor;
        var isZero = !isFinite || most32 < Least;
        var inverse = isZero ? 0f : LargestCode * steps / most32;
        for (var g = 0; g < groups; g++)
        {
            var factor = isZero ? 1 : Math.Clamp((int)MathF.Ceiling(largest[g] * (steps / most32)), 1, steps);
            factors[g] = (byte)factor;
            Round(x + (g * Group), inverse / factor, codes + (g * Group));
            sums[g] = (short)(factor * SumOf16(codes + (g * Group)));
            sums[groups + g] = (short)(factor * SumOf16(codes + (g * Group) + 16));
        }

        return isFinite ? most32 / (LargestCode * steps) : float.NaN;
    }

    /// <summary>The bits of the largest |x| of a group: without the sign they are ordered like the numbers, then infinity, then NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LargestMagnitude(float* x)
    {
        var largest = Vector256<int>.Zero;
        for (var i = 0; i < Group; i += 8)
            largest = Vector256.Max(largest, Vector256.Load((int*)(x + i)) & Vector256.Create(Magnitude));
        var half = Vector128.Max(largest.GetLower(), largest.GetUpper());
        return Math.Max(Math.Max(half[0], half[1]), Math.Max(half[2], half[3]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(float* x, float inverse, byte* codes)
    {
        var first = Vector256.Narrow(Integers(x, inverse), Integers(x + 8, inverse));
        var last = Vector256.Narrow(Integers(x + 16, inverse), Integers(x + 24, inverse));
        Vector256.Narrow(first, last).Store((sbyte*)codes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Integers(float* x, float inverse)
    {
        // 0 · ∞ and 0 · NaN would leave other codes behind; the scale NaN says it all.
        var scaled = inverse == 0f ? Vector256<float>.Zero : Vector256.Load(x) * Vector256.Create(inverse);
        return (scaled + Vector256.Create(Rounder)).AsInt32() - Vector256.Create(Rounder).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SumOf16(byte* codes)
    {
        var (first, last) = Vector128.Widen(Vector128.Load((sbyte*)codes));
        return Vector128.Sum(first + last);
    }
}
