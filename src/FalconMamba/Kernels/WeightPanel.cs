using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>
/// 32 rows times 256 columns of block weights as tiles read them: rows fill the lanes, so that a product with many tokens has
/// no sums across lanes. It is made once for all tokens and stays in the first-level cache.
/// </summary>
/// <remarks>
/// Two registers of sixteen rows lie side by side everywhere. Codes [64, 2, 16 rows, 4 columns], unsigned. Blocks of 256: group
/// scales as integers [8 or 16, 2, 16]; for each 32 columns a pair of words [8, 2, 16], twice the minimum or both scales; d
/// [2, 16]; dmin [2, 16]. Blocks of 32: d [8, 2, 16]; m [8, 2, 16].
/// </remarks>
internal static unsafe class WeightPanel
{
    /// <summary>The rows and columns of a panel.</summary>
    public const int Rows = 32, Columns = 256;

    /// <summary>Where the parts are, in bytes; those of blocks of 32 columns begin at <see cref="Scales"/>.</summary>
    public const int Scales = Rows * Columns, Pairs = Scales + (16 * RowBytes), Heads = Pairs + (8 * RowBytes);

    /// <summary>The bytes of 32 numbers, and those of a panel.</summary>
    public const int RowBytes = Rows * sizeof(float), Bytes = Heads + (2 * RowBytes);

    private const int Lanes = 16;

    /// <summary>Fills a panel.</summary>
    /// <param name="blocks">The first block of the first row.</param>
    /// <param name="rowBlocks">The blocks of a row.</param>
    /// <param name="rows">How many rows there are, at least one; the last stands in for those that are missing.</param>
    /// <param name="count">How many blocks of a row are taken: one of 256, or up to eight of 32.</param>
    /// <param name="panel">Room for <see cref="Bytes"/>.</param>
    [SkipLocalsInit]
    public static void Fill<TFormat>(TFormat* blocks, int rowBlocks, int rows, int count, byte* panel)
        where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        var starts = stackalloc TFormat*[Lanes];
        var memory = stackalloc byte[(Lanes + 1) * Vector512<byte>.Count];
        // What lies across two lines of a cache is slow to be read again.
        var quads = (int*)(((nuint)memory + (nuint)Vector512<byte>.Count - 1) & ~((nuint)Vector512<byte>.Count - 1));
        for (var half = 0; half < 2; half++)
        {
            for (var i = 0; i < Lanes; i++) starts[i] = blocks + ((nint)Math.Min(rows - 1, (half * Lanes) + i) * rowBlocks);
            var place = panel + (half * Vector512<byte>.Count);
            FillCodes(starts, count, quads, place);
            if (TFormat.Length < Columns) FillShort(starts, count, place);
            else if (TFormat.HasMinimum) FillScalesAndMinimums(starts, place);
            else FillSignedScales(starts, place);
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillCodes<TFormat>(TFormat** rows, int count, int* quads, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        var groups = TFormat.Length == Columns ? Columns / 32 : count;
        for (var group = 0; group < groups; group += 2)
        {
            var last = Math.Min(group + 1, groups - 1);
            for (var row = 0; row < Lanes; row += 4)
                StoreQuad(Line(rows[row], group, last), Line(rows[row + 1], group, last), Line(rows[row + 2], group, last), Line(rows[row + 3], group, last), quads + (4 * row));
            for (var column = 0; column < 4; column++)
            {
                var (a, b, c, d) = LoadColumns(quads, column);
                var place = panel + (((8 * group) + column) * RowBytes);
                a.Store((int*)place);
                b.Store((int*)(place + (4 * RowBytes)));
                c.Store((int*)(place + (8 * RowBytes)));
                d.Store((int*)(place + (12 * RowBytes)));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector512<int> Line(TFormat* row, int first, int last) => (TFormat.Length == Columns
            ? Join(TFormat.UnsignedCodes(in *row, first), TFormat.UnsignedCodes(in *row, last))
            : Join(TFormat.UnsignedCodes(in row[first], 0), TFormat.UnsignedCodes(in row[last], 0))).AsInt32();
    }

    // Four columns of four rows lie together, for every fourth column in one register.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreQuad(Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d, int* quads)
    {
        Vector512<long> even = Avx512F.UnpackLow(a, b).AsInt64(), evenLast = Avx512F.UnpackLow(c, d).AsInt64();
        Vector512<long> odd = Avx512F.UnpackHigh(a, b).AsInt64(), oddLast = Avx512F.UnpackHigh(c, d).AsInt64();
        Avx512F.UnpackLow(even, evenLast).Store((long*)quads);
        Avx512F.UnpackHigh(even, evenLast).Store((long*)(quads + (4 * Lanes)));
        Avx512F.UnpackLow(odd, oddLast).Store((long*)(quads + (8 * Lanes)));
        Avx512F.UnpackHigh(odd, oddLast).Store((long*)(quads + (12 * Lanes)));
    }

    // A column of all sixteen rows, and those four, eight and twelve behind it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<int>, Vector512<int>, Vector512<int>, Vector512<int>) LoadColumns(int* quads, int column)
    {
        quads += 4 * Lanes * column;
        Vector512<int> a = Vector512.Load(quads), b = Vector512.Load(quads + Lanes), c = Vector512.Load(quads + (2 * Lanes)), d = Vector512.Load(quads + (3 * Lanes));
        var (even, odd) = (Avx512F.Shuffle4x128(a, b, 0b10_00_10_00), Avx512F.Shuffle4x128(a, b, 0b11_01_11_01));
        var (evenLast, oddLast) = (Avx512F.Shuffle4x128(c, d, 0b10_00_10_00), Avx512F.Shuffle4x128(c, d, 0b11_01_11_01));
        return (
            Avx512F.Shuffle4x128(even, evenLast, 0b10_00_10_00),
            Avx512F.Shuffle4x128(odd, oddLast, 0b10_00_10_00),
            Avx512F.Shuffle4x128(even, evenLast, 0b11_01_11_01),
            Avx512F.Shuffle4x128(odd, oddLast, 0b11_01_11_01));
    }

    // d, dmin, and the groups' scales and minimums in the sixteen bytes that a block begins with.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillScalesAndMinimums<TFormat>(TFormat** rows, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        Vector512<int> a = Heads(rows), b = Heads(rows + 1), c = Heads(rows + 2), d = Heads(rows + 3);
        var heads = Avx512F.UnpackLow(Avx512F.UnpackLow(a, b).AsInt64(), Avx512F.UnpackLow(c, d).AsInt64()).AsUInt32();
        StoreScales(heads & Vector512.Create(0xFFFFu), panel + WeightPanel.Heads);
        StoreScales(heads >>> 16, panel + WeightPanel.Heads + RowBytes);
        a = GroupScales.Unpack(a);
        b = GroupScales.Unpack(b);
        c = GroupScales.Unpack(c);
        d = GroupScales.Unpack(d);
        Vector512<long> scales = Avx512F.UnpackLow(a, b).AsInt64(), scalesLast = Avx512F.UnpackLow(c, d).AsInt64();
        Vector512<long> minimums = Avx512F.UnpackHigh(a, b).AsInt64(), minimumsLast = Avx512F.UnpackHigh(c, d).AsInt64();
        StoreGroups(Avx512F.UnpackLow(scales, scalesLast), Avx512F.UnpackLow(minimums, minimumsLast), panel);
        StoreGroups(Avx512F.UnpackHigh(scales, scalesLast), Avx512F.UnpackHigh(minimums, minimumsLast), panel + (4 * RowBytes));

        // Each group has a byte of every number.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void StoreGroups(Vector512<long> scales, Vector512<long> minimums, byte* panel)
        {
            for (var group = 0; group < 4; group++, panel += RowBytes)
            {
                ((scales.AsInt32() >>> (8 * group)) & Vector512.Create(0xFF)).Store((int*)(panel + Scales));
                var minimum = (minimums.AsInt32() >>> (8 * group)) & Vector512.Create(0xFF);
                (minimum | (minimum << 16)).Store((int*)(panel + Pairs));
            }
        }

        // Rows 0, 4, 8, 12 from the first one on, so that a transposition leaves all in their order.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector512<int> Heads(TFormat** row) => Join(
            Vector256.Create(Vector128.Load((byte*)row[0]), Vector128.Load((byte*)row[4])),
            Vector256.Create(Vector128.Load((byte*)row[8]), Vector128.Load((byte*)row[12]))).AsInt32();
    }

    // Q6_K: sixteen signed scales.
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillSignedScales<TFormat>(TFormat** rows, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        var first = stackalloc ulong[Lanes];
        var last = stackalloc ulong[Lanes];
        var heads = stackalloc uint[Lanes];
        for (var i = 0; i < Lanes; i++)
        {
            (first[i], last[i]) = TFormat.GroupBytes(in *rows[i]);
            heads[i] = TFormat.ScaleBits(in *rows[i]);
        }

        for (var group = 0; group < 8; group++)
        {
            var bytes = group < 4 ? first : last;
            Vector512<int> even = TakeByte(bytes, 2 * group % 8), odd = TakeByte(bytes, (2 * group % 8) + 1);
            even.Store((int*)(panel + Scales + (2 * group * RowBytes)));
            odd.Store((int*)(panel + Scales + (((2 * group) + 1) * RowBytes)));
            ((even & Vector512.Create(0xFFFF)) | (odd << 16)).Store((int*)(panel + Pairs + (group * RowBytes)));
        }

        StoreScales(Vector512.Load(heads), panel + Heads);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillShort<TFormat>(TFormat** rows, int count, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        var heads = stackalloc uint[Lanes];
        for (var block = 0; block < count; block++)
        {
            for (var i = 0; i < Lanes; i++) heads[i] = TFormat.ScaleBits(in rows[i][block]);
            var bits = Vector512.Load(heads);
            StoreScales(bits & Vector512.Create(0xFFFFu), panel + Scales + (block * RowBytes));
            if (TFormat.HasMinimum) StoreScales(bits >>> 16, panel + Scales + ((8 + block) * RowBytes));
        }
    }

    // Vector512.Create of two halves keeps its result in memory from one use to the next (.NET 10.0).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Join(Vector256<byte> low, Vector256<byte> high) => Avx512F.InsertVector256(low.ToVector512Unsafe(), high, 1);

    // One signed byte of each of sixteen numbers.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> TakeByte(ulong* numbers, int place)
    {
        var left = 56 - (8 * place);
        return Join(Narrow(numbers), Narrow(numbers + 8)).AsInt32() >> 24;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        Vector256<byte> Narrow(ulong* numbers) => Avx512F.ConvertToVector256UInt32((Vector512.Load(numbers) << left) >>> 32).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreScales(Vector512<uint> bits, byte* place)
    {
        HalfScale.ToSingle(bits.GetLower()).Store((float*)place);
        HalfScale.ToSingle(bits.GetUpper()).Store((float*)place + 8);
    }
}
