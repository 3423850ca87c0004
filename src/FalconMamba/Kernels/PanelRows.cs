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

    /// <summary>Fills a panel; see <see cref="WeightPanel.Fill"/>.</summary>
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillCodes<TFormat>(TFormat** rows, int count, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        if (TFormat.Length < WeightPanel.Columns)
        {
            for (var block = 0; block < count; block++) FillGroup(rows, block, 0, panel + (block * Group / 4 * RowBytes));
            return;
        }

        // Spelled out, so that places and shifts are constants.
        FillGroup(rows, 0, 0, panel);
        FillGroup(rows, 0, 1, panel);
        FillGroup(rows, 0, 2, panel);
        FillGroup(rows, 0, 3, panel);
        FillGroup(rows, 0, 4, panel);
        FillGroup(rows, 0, 5, panel);
        FillGroup(rows, 0, 6, panel);
        FillGroup(rows, 0, 7, panel);
    }

    // 32 columns of a block.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FillGroup<TFormat>(TFormat** rows, int block, int group, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        TRows.Transpose(
            Codes(rows[0]), Codes(rows[1]), Codes(rows[2]), Codes(rows[3]), Codes(rows[4]), Codes(rows[5]), Codes(rows[6]), Codes(rows[7]),
            panel + (group * Group / 4 * RowBytes));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        Vector256<int> Codes(TFormat* row) => TFormat.UnsignedCodes(in row[block], group).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillShort<TFormat>(TFormat** rows, int count, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        for (var block = 0; block < count; block++)
        {
            var bits = ScaleBits(rows, block);
            HalfScale.ToSingle(bits).Store((float*)(panel + WeightPanel.Scales + (block * RowBytes)));
            if (TFormat.HasMinimum) HalfScale.ToSingle(bits >>> 16).Store((float*)(panel + WeightPanel.Scales + ((8 + block) * RowBytes)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillLong<TFormat>(TFormat** rows, byte* panel) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        var bits = ScaleBits(rows, 0);
        HalfScale.ToSingle(bits).Store((float*)(panel + WeightPanel.Heads));
        byte* scales = panel + WeightPanel.Scales, pairs = panel + WeightPanel.Pairs;
        if (TFormat.HasMinimum)
        {
            HalfScale.ToSingle(bits >>> 16).Store((float*)(panel + WeightPanel.Heads + RowBytes));
            TRows.Transpose(
                First(rows[0]), First(rows[1]), First(rows[2]), First(rows[3]), First(rows[4]), First(rows[5]), First(rows[6]), First(rows[7]), scales);
            TRows.Transpose(
                Twice(rows[0]), Twice(rows[1]), Twice(rows[2]), Twice(rows[3]), Twice(rows[4]), Twice(rows[5]), Twice(rows[6]), Twice(rows[7]), pairs);
            return;
        }

        TRows.Transpose(
            Signed(rows[0], 0), Signed(rows[1], 0), Signed(rows[2], 0), Signed(rows[3], 0),
            Signed(rows[4], 0), Signed(rows[5], 0), Signed(rows[6], 0), Signed(rows[7], 0), scales);
        TRows.Transpose(
            Signed(rows[0], 1), Signed(rows[1], 1), Signed(rows[2], 1), Signed(rows[3], 1),
            Signed(rows[4], 1), Signed(rows[5], 1), Signed(rows[6], 1), Signed(rows[7], 1), scales + (8 * RowBytes));
        TRows.Transpose(
            Words(rows[0]), Words(rows[1]), Words(rows[2]), Words(rows[3]), Words(rows[4]), Words(rows[5]), Words(rows[6]), Words(rows[7]), pairs);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector256<int> First(TFormat* block) => Widen(TFormat.GroupBytes(in *block).First);

        // The minimums, twice in words.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector256<int> Twice(TFormat* block)
        {
            var numbers = Widen(TFormat.GroupBytes(in *block).Last);
            return numbers | (numbers << 16);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector256<int> Signed(TFormat* block, int half)
        {
            var (first, last) = TFormat.GroupBytes(in *block);
            return (Widen(half == 0 ? first : last) << 24) >> 24;
        }

        // All sixteen scales.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector256<int> Words(TFormat* block)
        {
            var (first, last) = TFormat.GroupBytes(in *block);
            var (low, high) = Vector128.Widen(Vector128.Create(first, last).AsSByte());
            return Vector256.Create(low, high).AsInt32();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector256<int> Widen(ulong bytes)
        {
            var words = Vector128.WidenLower(Vector128.CreateScalar(bytes).AsByte());
            return Vector256.Create(Vector128.WidenLower(words), Vector128.WidenUpper(words)).AsInt32();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> ScaleBits<TFormat>(TFormat** rows, int block) where TFormat : unmanaged, IBlockFormat<TFormat>
    {
        return Vector256.Create(Bits(0), Bits(1), Bits(2), Bits(3), Bits(4), Bits(5), Bits(6), Bits(7));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        uint Bits(int row) => TFormat.ScaleBits(in rows[row][block]);
    }
}
