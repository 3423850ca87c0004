using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels;

/// <summary>
/// Rounds activations to eight bits. A block has one float scale, and each group of 32 in it a factor, a small whole number,
/// so that an outlier costs only its own group precision: x ≈ scale · factor · code. A block of 256 has factors from 1 to 16,
/// which leave its products exact in 32-bit integers; a block of 32 has the factor 1.
/// </summary>
/// <remarks>
/// Every step is one operation of IEEE arithmetic on one number, or an exact one on integers, so that all machines and vector
/// widths give the same bits. Eight groups go side by side: a block of 256, or eight blocks of 32.
/// </remarks>
internal unsafe struct ActivationQuantizer : IBlockJob
{
    /// <summary>The codes of a factor.</summary>
    public const int Group = 32;

    /// <summary>The columns that are rounded side by side: a long block, or eight short ones.</summary>
    public const int Stretch = Groups * Group;

    // The groups of a stretch, and the stretches that are measured before they are rounded.
    private const int Groups = 8, Batch = 16;

    private const int LargestCode = 127, LargestFactor = 16;

    // Eight factors.
    private const ulong Ones = 0x0101010101010101;

    private const int Magnitude = 0x7FFFFFFF, Infinity = 0x7F800000;

    // Below it reciprocals would overflow; such a block is zero beside any other.
    private const float Least = 1e-30f;

    // 1.5 · 2²³: the sum's low bits are the number rounded to the nearest integer, ties to even.
    private const float Rounder = 12582912f;

    private float* _input;
    private int _stride, _stretches;
    private QuantizedRows _output;
    private Ranges _ranges;

    /// <summary>Rounds rows of the output's width.</summary>
    public static void Run(float* input, int stride, in QuantizedRows output, int tokens, ComputePool pool, int threads)
    {
        var stretches = (output.Columns + Stretch - 1) / Stretch;
        var job = new ActivationQuantizer
        {
            _input = input,
            _stride = stride,
            _stretches = stretches,
            _output = output,
            _ranges = new Ranges(checked(tokens * stretches), Stretch * (sizeof(float) + sizeof(byte)), threads),
        };
        // A number takes as long as three multiplications of a product.
        pool.Run(ref job, job._ranges.Count, ComputePool.ThreadsFor(3L * tokens * output.Columns, threads));
    }

    /// <summary>Rounds some stretches of rows.</summary>
    public readonly void Run(int block)
    {
        var (stretch, end) = _ranges[block];
        while (stretch < end)
        {
            var token = stretch / _stretches;
            var ofRow = token * _stretches;
            var next = Math.Min(end, ofRow + _stretches);
            var x = _input + ((nint)token * _stride);
            var row = _output.From(token);
            Round(x, row, (stretch - ofRow) * Stretch, Math.Min((next - ofRow) * Stretch, row.Columns));
            stretch = next;
        }
    }

    /// <summary>Rounds some of a row's columns.</summary>
    /// <param name="x">The row.</param>
    /// <param name="row">Where it goes.</param>
    /// <param name="first">The first column, a multiple of <see cref="Stretch"/>.</param>
    /// <param name="end">The column behind the last, such a multiple or the row's end.</param>
    public static void Round(float* x, QuantizedRows row, int first, int end)
    {
        var whole = end / Stretch * Stretch;
        RoundStretches(x, row, first, whole);
        if (whole < end) RoundRest(x, row, whole);
    }

    /// <summary>
    /// Rounds the columns from a first one to an end. Sixteen stretches are measured before they are rounded: side by side
    /// they wait less for one another's maxima and divisions.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RoundStretches(float* x, QuantizedRows row, int first, int end)
    {
        var inverses = stackalloc float[Batch * Groups];
        for (var k = first; k < end; k += Batch * Stretch)
        {
            var last = Math.Min(end, k + (Batch * Stretch));
            var inverse = inverses;
            for (var i = k; i < last; i += Stretch, inverse += Groups)
            {
                if (row.Block == Group) MeasureShortBlocks(x + i, row.Scales + (i / Group), row.Factors + (i / Group)).Store(inverse);
                else MeasureLongBlock(x + i, row.Scales + (i / Stretch), row.Factors + (i / Group)).Store(inverse);
            }

            inverse = inverses;
            for (var i = k; i < last; i += Stretch, inverse += Groups)
            {
                Round(x + i, inverse, row.Codes + i);
                if (row.Block == Group) SumShortBlocks(row.Codes + i, row.Sums + (i / 16));
                else SumLongBlock(row.Codes + i, row.Factors + (i / Group), row.Sums + (i / 16));
            }
        }
    }

    /// <summary>Finds the scale and the factors of a block of 256, and the groups' inverses: NaN if a number is not finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> MeasureLongBlock(float* x, float* scale, byte* factors)
    {
        var largest = LargestMagnitudes(x);
        var most = Vector128.Max(largest.GetLower(), largest.GetUpper());
        most = Vector128.Max(most, Vector128.Shuffle(most, Vector128.Create(2, 3, 0, 1)));
        most = Vector128.Max(most, Vector128.Shuffle(most, Vector128.Create(1, 0, 3, 2)));
        var most32 = most.AsSingle().ToScalar();
        *scale = most32 / (LargestCode * LargestFactor);
        *(ulong*)factors = Ones;
        if (most.ToScalar() >= Infinity)
        {
            *scale = float.NaN;
            return Vector256.Create(float.NaN);
        }

        if (most32 < Least) return Vector256<float>.Zero;
        var steps = Vector256.Ceiling(largest.AsSingle() * Vector256.Create(LargestFactor / most32));
        var factor = Vector256.Min(Vector256.Max(Vector256.ConvertToInt32Native(steps), Vector256<int>.One), Vector256.Create(LargestFactor));
        var factor16 = Vector128.Narrow(factor.GetLower(), factor.GetUpper());
        *(ulong*)factors = Vector128.Narrow(factor16, factor16).AsUInt64().ToScalar();
        return Vector256.Create(LargestCode * LargestFactor / most32) / Vector256.ConvertToSingle(factor);
    }

    /// <summary>Finds the scales and the factors of eight blocks of 32, and their inverses: NaN if a number is not finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> MeasureShortBlocks(float* x, float* scales, byte* factors)
    {
        var bits = LargestMagnitudes(x);
        var most = bits.AsSingle();
        var isFinite = Vector256.LessThan(bits, Vector256.Create(Infinity)).AsSingle();
        Vector256.ConditionalSelect(isFinite, most / Vector256.Create((float)LargestCode), Vector256.Create(float.NaN)).Store(scales);
        *(ulong*)factors = Ones;
        var inverse = Vector256.AndNot(Vector256.Create((float)LargestCode) / most, Vector256.LessThan(most, Vector256.Create(Least)));
        return Vector256.ConditionalSelect(isFinite, inverse, Vector256.Create(float.NaN));
    }

    /// <summary>Sums a block of 256: the groups' first halves, then their last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumLongBlock(byte* codes, byte* factors, short* sums)
    {
        var (first, last) = SumsOf16(codes);
        var factor = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)factors).AsByte()).AsInt16();
        (first * factor).Store(sums);
        (last * factor).Store(sums + Groups);
    }

    /// <summary>Sums eight blocks of 32: a first half and a last by turns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumShortBlocks(byte* codes, short* sums)
    {
        var (first, last) = SumsOf16(codes);
        var (low, high) = Vector128.Widen(first.AsUInt16());
        var (lowLast, highLast) = Vector128.Widen(last.AsUInt16());
        (low | (lowLast << 16)).AsInt16().Store(sums);
        (high | (highLast << 16)).AsInt16().Store(sums + Groups);
    }

    /// <summary>Rounds the blocks of 32 behind the last whole stretch of a row.</summary>
    private static void RoundRest(float* x, QuantizedRows row, int first)
    {
        var count = row.Columns - first;
        var stretch = stackalloc float[Stretch];
        new Span<float>(x + first, count).CopyTo(new Span<float>(stretch, Stretch));
        var codes = stackalloc byte[Stretch];
        var scales = stackalloc float[Groups];
        var factors = stackalloc byte[Groups];
        var sums = stackalloc short[2 * Groups];
        RoundStretches(stretch, row with { Codes = codes, Scales = scales, Factors = factors, Sums = sums }, 0, Stretch);
        new Span<byte>(codes, count).CopyTo(new Span<byte>(row.Codes + first, count));
        new Span<float>(scales, count / Group).CopyTo(new Span<float>(row.Scales + (first / Group), count / Group));
        new Span<byte>(factors, count / Group).CopyTo(new Span<byte>(row.Factors + (first / Group), count / Group));
        new Span<short>(sums, count / 16).CopyTo(new Span<short>(row.Sums + (first / 16), count / 16));
    }

    /// <summary>
    /// The bits of the largest |x| of each group: without the sign they are ordered like the numbers, then infinity, then NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> LargestMagnitudes(float* x) =>
        Vector256.Create(LargestOfFour(x), LargestOfFour(x + (Stretch / 2)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> LargestOfFour(float* x)
    {
        var (a, b) = Transpose(Partial(x), Partial(x + Group), Vector128.Create(-1, 0, -1, 0), Vector128.Create(1, 0, 3, 2));
        var (c, d) = Transpose(Partial(x + (2 * Group)), Partial(x + (3 * Group)), Vector128.Create(-1, 0, -1, 0), Vector128.Create(1, 0, 3, 2));
        (a, b) = Transpose(Vector128.Max(a, b), Vector128.Max(c, d), Vector128.Create(-1, -1, 0, 0), Vector128.Create(2, 3, 0, 1));
        return Vector128.Max(a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector128<int> Partial(float* x)
        {
            var largest = Vector256.Max(Vector256.Max(At(x), At(x + 8)), Vector256.Max(At(x + 16), At(x + 24)));
            return Vector128.Max(largest.GetLower(), largest.GetUpper());
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector256<int> At(float* x) => Vector256.Load((int*)x) & Vector256.Create(Magnitude);
    }

    /// <summary>
    /// A step of a transposition: some elements of a beside the other ones of b, and what is left of both beneath their own,
    /// so that a sum or a maximum of the two has halved a and b and still holds them apart.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<int>, Vector128<int>) Transpose(Vector128<int> a, Vector128<int> b, Vector128<int> ofA, Vector128<int> partners) =>
        (Vector128.ConditionalSelect(ofA, a, b), Vector128.Shuffle(Vector128.ConditionalSelect(ofA, b, a), partners));

    /// <summary>The codes of eight groups.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(float* x, float* inverses, byte* codes)
    {
        for (var g = 0; g < Groups; g++) Codes(x + (g * Group), Vector256.Create(inverses[g])).Store((sbyte*)codes + (g * Group));
        var inverse = Vector256.Load(inverses);
        if (!Vector256.EqualsAll(inverse, inverse)) Clear(inverses, codes);
    }

    /// <summary>Leaves no codes of numbers that are not finite, which machines round differently; the scale NaN says it all.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Clear(float* inverses, byte* codes)
    {
        for (var g = 0; g < Groups; g++)
            if (float.IsNaN(inverses[g])) new Span<byte>(codes + (g * Group), Group).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Codes(float* x, Vector256<float> inverse)
    {
        if (Avx2.IsSupported)
        {
            var packed = Avx2.PackSignedSaturate(
                Avx2.PackSignedSaturate(Avx.ConvertToVector256Int32(At(x)), Avx.ConvertToVector256Int32(At(x + 8))),
                Avx2.PackSignedSaturate(Avx.ConvertToVector256Int32(At(x + 16)), Avx.ConvertToVector256Int32(At(x + 24))));
            // Conversion rounds as the sum below does; packing takes the halves of two registers by turns.
            return Avx2.PermuteVar8x32(packed.AsInt32(), Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).AsSByte();
        }

        var rounder = Vector256.Create(Rounder);
        return Vector256.Narrow(
            Vector256.Narrow((At(x) + rounder).AsInt32(), (At(x + 8) + rounder).AsInt32()),
            Vector256.Narrow((At(x + 16) + rounder).AsInt32(), (At(x + 24) + rounder).AsInt32()));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        Vector256<float> At(float* x) => Vector256.Load(x) * inverse;
    }

    /// <summary>The sums of the groups' first sixteen codes, and those of their last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<short> First, Vector128<short> Last) SumsOf16(byte* codes)
    {
        var low = SumsOf8(codes);
        var high = SumsOf8(codes + (Stretch / 2));
        return (Add(low.GetLower(), high.GetLower()), Add(low.GetUpper(), high.GetUpper()));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector128<short> Add(Vector128<int> low, Vector128<int> high)
        {
            var (a, b) = Transpose(low, high, Vector128.Create(-1, -1, 0, 0), Vector128.Create(2, 3, 0, 1));
            return a.AsInt16() + b.AsInt16() - Vector128.Create((short)(16 * 128));
        }
    }

    /// <summary>
    /// The sums of eight codes, each plus 128: a quarter of a group in each 64 bits, and there one of four groups in each sixteen.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> SumsOf8(byte* codes)
    {
        return (Of(codes) | (Of(codes + Group) << 16) | (Of(codes + (2 * Group)) << 32) | (Of(codes + (3 * Group)) << 48)).AsInt32();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector256<ulong> Of(byte* codes)
        {
            var bytes = Vector256.Load(codes) ^ Vector256.Create((byte)128);
            if (Avx2.IsSupported) return Avx2.SumAbsoluteDifferences(bytes, Vector256<byte>.Zero).AsUInt64();
            var even = Vector256.Create(0x00FF00FF00FF00FFUL);
            var sums = (bytes.AsUInt64() & even) + ((bytes.AsUInt64() >> 8) & even);
            sums += sums >> 32;
            sums += sums >> 16;
            return sums & Vector256.Create(0xFFFFUL);
        }
    }
}
