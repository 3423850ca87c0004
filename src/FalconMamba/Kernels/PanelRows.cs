using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FalconMamba.Kernels.Lanes;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>Fills a <see cref="WeightPanel"/> by intrinsics, eight rows at a time.</summary>
internal static unsafe class PanelRows<T, TRows>
    where T : unmanaged, ILanes<T>
    where TRows : unmanaged, IRowLanes<TRows, T>
{
    private const int RowsAtOnce = 8, Group = ActivationQuantizer.Group, RowBytes = WeightPanel.RowBytes;

    /// <summary>Fills a panel.</summary>
    /// <param name="blocks">The first block of the first row.</param>
    /// <param name="rowBlocks">The blocks of a row.</param>
    /// <param name="rows">How many rows there are, at least one; the last stands in for those that are missing of every eight.</param>
    /// <param name="count">How many blocks of a row are taken: one of 256, or up to eight of 32.</param>
    /// <param name="panel">Room for <see cref="WeightPanel.Bytes"/>.</param>
    [SkipLocalsInit]
    public static void Fill<TFormat>(TFormat* blocks, int rowBlocks, int rows, int count, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        var starts = stackalloc TFormat*[RowsAtOnce];
        for (var first = 0; first < rows; first += RowsAtOnce)
        {
            for (var i = 0; i < RowsAtOnce; i++) starts[i] = blocks + ((nint)Math.Min(rows - 1, first + i) * rowBlocks);
            var place = panel + (first * sizeof(int));
            FillCodes(starts, count, place);
            if (TFormat.Length < WeightPanel.Columns) FillShort(starts, count, place);
            else FillLong(starts, place);
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillCodes<TFormat>(TFormat** rows, int count, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        var numbers = stackalloc int[RowsAtOnce * RowsAtOnce];
        if (TFormat.Length < WeightPanel.Columns)
        {
            for (var block = 0; block < count; block++) FillGroup(rows, block, 0, numbers, panel + (8 * block * RowBytes));
            return;
        }

        // Spelled out, so that places and shifts are constants.
        FillGroup(rows, 0, 0, numbers, panel);
        FillGroup(rows, 0, 1, numbers, panel + (8 * RowBytes));
        FillGroup(rows, 0, 2, numbers, panel + (16 * RowBytes));
        FillGroup(rows, 0, 3, numbers, panel + (24 * RowBytes));
        FillGroup(rows, 0, 4, numbers, panel + (32 * RowBytes));
        FillGroup(rows, 0, 5, numbers, panel + (40 * RowBytes));
        FillGroup(rows, 0, 6, numbers, panel + (48 * RowBytes));
        FillGroup(rows, 0, 7, numbers, panel + (56 * RowBytes));
    }

    // 32 columns: eight times four codes of a row are eight numbers.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FillGroup<TFormat>(TFormat** rows, int block, int group, int* numbers, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        for (nint row = 0; row < RowsAtOnce; row++) TFormat.UnsignedCodes(in rows[row][block], group).AsInt32().Store(numbers + (8 * row));
        TRows.Transpose(numbers, panel);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillShort<TFormat>(TFormat** rows, int count, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        var memory = stackalloc uint[RowsAtOnce];
        for (var block = 0; block < count; block++)
        {
            var bits = ScaleBits(rows, block, memory);
            HalfScale.ToSingle(bits).Store((float*)(panel + WeightPanel.Scales + (block * RowBytes)));
            if (TFormat.HasMinimum) HalfScale.ToSingle(bits >>> 16).Store((float*)(panel + WeightPanel.Scales + ((8 + block) * RowBytes)));
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillLong<TFormat>(TFormat** rows, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        var memory = stackalloc uint[RowsAtOnce];
        var bits = ScaleBits(rows, 0, memory);
        HalfScale.ToSingle(bits).Store((float*)(panel + WeightPanel.Heads));
        if (TFormat.HasMinimum) HalfScale.ToSingle(bits >>> 16).Store((float*)(panel + WeightPanel.Heads + RowBytes));
        const int Numbers = RowsAtOnce * RowsAtOnce;
        var scales = stackalloc int[3 * Numbers];
        int* lastScales = scales + Numbers, pairs = scales + (2 * Numbers);
        for (var row = 0; row < 8 * RowsAtOnce; row += 8)
        {
            var (first, last) = TFormat.GroupBytes(in *rows[row / 8]);
            if (TFormat.HasMinimum)
            {
                // Minimums are twice in a pair.
                Widen(first).Store(scales + row);
                var minimums = Widen(last);
                (minimums | (minimums << 16)).Store(pairs + row);
                continue;
            }

            ((Widen(first) << 24) >> 24).Store(scales + row);
            ((Widen(last) << 24) >> 24).Store(lastScales + row);
            var (low, high) = Vector128.Widen(Vector128.Create(first, last).AsSByte());
            Vector256.Create(low, high).AsInt32().Store(pairs + row);
        }

        TRows.Transpose(scales, panel + WeightPanel.Scales);
        if (!TFormat.HasMinimum) TRows.Transpose(lastScales, panel + WeightPanel.Scales + (8 * RowBytes));
        TRows.Transpose(pairs, panel + WeightPanel.Pairs);
    }

    // Eight bytes as numbers.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Widen(ulong bytes)
    {
        var words = Vector128.WidenLower(Vector128.CreateScalar(bytes).AsByte());
        return Vector256.Create(Vector128.WidenLower(words), Vector128.WidenUpper(words)).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> ScaleBits<TFormat>(TFormat** rows, int block, uint* bits) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        for (nint row = 0; row < RowsAtOnce; row++) bits[row] = TFormat.ScaleBits(in rows[row][block]);
        return Vector256.Load(bits);
    }
}
