using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using FalconMamba.Kernels.Lanes;
using FalconMamba.Quantization;

namespace FalconMamba.Kernels;

/// <summary>How many tokens a tile has.</summary>
internal interface ITileTokens
{
    /// <summary>Two, three or four.</summary>
    static abstract int Count { get; }
}

internal readonly struct TwoTokens : ITileTokens
{
    public static int Count => 2;
}

internal readonly struct ThreeTokens : ITileTokens
{
    public static int Count => 3;
}

internal readonly struct FourTokens : ITileTokens
{
    public static int Count => 4;
}

/// <summary>
/// The product of sixteen rows, 256 columns and a few tokens by intrinsics: the same integers as those of
/// <see cref="BlockProduct{TBytes, TPair, TFormat}"/> and the same operations on floats, hence the same bits.
/// </summary>
/// <remarks>
/// Four tokens of sixteen rows are eight sums of 256 bits, beside which the codes and an activation find registers everywhere;
/// what grows from group to group waits in memory.
/// </remarks>
internal static unsafe class RowTile<T, TRows, TFormat, TTokens>
    where T : unmanaged, ILanes<T>
    where TRows : unmanaged, IRowLanes<TRows, T>
    where TFormat : unmanaged, IBlockFormat<TFormat>
    where TTokens : struct, ITileTokens
{
    private const int RecordBytes = TileActivations.RecordBytes, RowBytes = WeightPanel.RowBytes, Group = ActivationQuantizer.Group;

    // The columns that a step multiplies; sixteen numbers.
    private const int Step = 4, VectorBytes = 64, LineBytes = 64;

    // Codes that products cannot be added up of are cut in halves of four bits.
    private static bool Halves
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TRows.Steps(TFormat.MostCode) == 0;
    }

    private static int Steps
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TRows.Steps(Halves ? 15 : TFormat.MostCode);
    }

    private static bool SignsBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TRows.SignsBytes && TFormat.MostCode == 255;
    }

    /// <summary>Computes a tile.</summary>
    /// <param name="arguments">The panel from the first of sixteen rows on, and the first token.</param>
    /// <param name="lines">How many lines of later weights to ask for with each group.</param>
    public static void Multiply(in RowTileArguments arguments, int lines)
    {
        if (TFormat.Length == WeightPanel.Columns) MultiplyLong(in arguments, lines);
        else MultiplyShort(in arguments, lines);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyLong(in RowTileArguments arguments, int lines)
    {
        byte* panel = arguments.Panel, record = arguments.Records, ahead = arguments.Ahead;
        var totals = stackalloc byte[(2 * 4 * VectorBytes) + VectorBytes];
        totals = (byte*)(((nuint)totals + VectorBytes - 1) & ~(nuint)(VectorBytes - 1));
        var leasts = totals + (4 * VectorBytes);
        SumMinimums(panel, record, totals, leasts);

        // Q6_K has two scales in 32 columns.
        var steps = Math.Min(Steps, (TFormat.HasMinimum ? Group : Group / 2) / Step);
        var runs = (TFormat.HasMinimum ? Group : Group / 2) / (steps * Step);
        byte* codes = panel, x = record, scales = panel + WeightPanel.Scales, factors = record + TileActivations.A;
        for (var group = 0; group < WeightPanel.Columns / Group; group++)
        {
            ahead = Ask(ahead, lines);
            for (var half = TFormat.HasMinimum ? 1 : 0; half < 2; half++)
            {
                var scale = TRows.Load(scales);
                scales += RowBytes;
                for (var run = 0; run < runs; run++)
                {
                    TRows a = default, b = default, c = default, d = default;
                    for (var step = 0; step < steps; step++, codes += RowBytes, x += Step)
                    {
                        var w = TRows.Load(codes);
                        a = TRows.MultiplyAdd(a, w, TRows.Broadcast(x));
                        b = TRows.MultiplyAdd(b, w, TRows.Broadcast(x + RecordBytes));
                        if (TTokens.Count > 2) c = TRows.MultiplyAdd(c, w, TRows.Broadcast(x + (2 * RecordBytes)));
                        if (TTokens.Count > 3) d = TRows.MultiplyAdd(d, w, TRows.Broadcast(x + (3 * RecordBytes)));
                    }

                    Fold(a, TRows.Scales(scale, factors), totals, 0);
                    Fold(b, TRows.Scales(scale, factors + RecordBytes), totals, 1);
                    if (TTokens.Count > 2) Fold(c, TRows.Scales(scale, factors + (2 * RecordBytes)), totals, 2);
                    if (TTokens.Count > 3) Fold(d, TRows.Scales(scale, factors + (3 * RecordBytes)), totals, 3);
                }
            }

            factors += sizeof(int);
        }

        for (var token = 0; token < TTokens.Count; token++)
        {
            var integers = TRows.ToFloats(TRows.Load(totals + (token * VectorBytes)));
            var scale = T.Load((float*)(panel + WeightPanel.Heads));
            var value = TFormat.HasMinimum ? T.FusedMultiplyAdd(scale, integers, T.Load((float*)(leasts + (token * VectorBytes)))) : scale * integers;
            Chain(T.Broadcast(arguments.Scales[token]), value, arguments.Sums + (token * WeightPanel.Rows));
        }
    }

    // Minimums, or the scales of what codes are too high by, times the activations' sums.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumMinimums(byte* panel, byte* record, byte* totals, byte* leasts)
    {
        TRows a = default, b = default, c = default, d = default;
        byte* pairs = panel + WeightPanel.Pairs, sums = record + TileActivations.B;
        for (var group = 0; group < WeightPanel.Columns / Group; group++, pairs += RowBytes, sums += sizeof(int))
        {
            var pair = TRows.Load(pairs);
            a = TRows.AddPairs(a, pair, TRows.Broadcast(sums));
            b = TRows.AddPairs(b, pair, TRows.Broadcast(sums + RecordBytes));
            if (TTokens.Count > 2) c = TRows.AddPairs(c, pair, TRows.Broadcast(sums + (2 * RecordBytes)));
            if (TTokens.Count > 3) d = TRows.AddPairs(d, pair, TRows.Broadcast(sums + (3 * RecordBytes)));
        }

        Begin(a, panel, totals, leasts, 0);
        Begin(b, panel, totals, leasts, 1);
        if (TTokens.Count > 2) Begin(c, panel, totals, leasts, 2);
        if (TTokens.Count > 3) Begin(d, panel, totals, leasts, 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Begin(TRows sums, byte* panel, byte* totals, byte* leasts, int token)
    {
        var total = default(TRows);
        if (!TFormat.HasMinimum) total -= TRows.ShiftLeft(sums, BitOperations.Log2((uint)TFormat.Offset));
        TRows.Store(total, totals + (token * VectorBytes));
        if (!TFormat.HasMinimum) return;
        // To turn a factor's sign rounds nothing.
        var least = T.Broadcast(-1f) * T.Load((float*)(panel + WeightPanel.Heads + RowBytes));
        T.Store(least * TRows.ToFloats(sums), (float*)(leasts + (token * VectorBytes)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fold(TRows sums, TRows scale, byte* totals, int token)
    {
        var total = totals + (token * VectorBytes);
        TRows.Store(TRows.Fold(TRows.Load(total), sums, scale), total);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyShort(in RowTileArguments arguments, int lines)
    {
        var totals = stackalloc byte[(4 * VectorBytes) + VectorBytes];
        totals = (byte*)(((nuint)totals + VectorBytes - 1) & ~(nuint)(VectorBytes - 1));
        byte* codes = arguments.Panel, x = arguments.Records, numbers = x + TileActivations.A, scales = codes + WeightPanel.Scales, ahead = arguments.Ahead;
        for (var group = 0; group < arguments.Groups; group++, codes += Group / Step * RowBytes, x += Group, numbers += sizeof(int), scales += RowBytes)
        {
            ahead = Ask(ahead, lines);
            var starts = !TFormat.HasMinimum && !SignsBytes;
            for (var token = 0; token < TTokens.Count; token++)
                TRows.Store(starts ? TRows.Broadcast(numbers + (token * RecordBytes)) : default, totals + (token * VectorBytes));
            for (var shift = 0; shift < (Halves ? 8 : 4); shift += 4)
            {
                var scale = TRows.Scale((short)(1 << shift));
                for (var first = 0; first < Group; first += Steps * Step)
                {
                    TRows a = default, b = default, c = default, d = default;
                    for (var column = first; column < first + (Steps * Step); column += Step)
                    {
                        var w = TRows.Load(codes + (column / Step * RowBytes));
                        if (Halves) w = TRows.And(TRows.ShiftRight(w, shift), 15);
                        if (SignsBytes) w = TRows.TurnTopBits(w);
                        a = TRows.MultiplyAdd(a, w, TRows.Broadcast(x + column));
                        b = TRows.MultiplyAdd(b, w, TRows.Broadcast(x + column + RecordBytes));
                        if (TTokens.Count > 2) c = TRows.MultiplyAdd(c, w, TRows.Broadcast(x + column + (2 * RecordBytes)));
                        if (TTokens.Count > 3) d = TRows.MultiplyAdd(d, w, TRows.Broadcast(x + column + (3 * RecordBytes)));
                    }

                    Fold(a, scale, totals, 0);
                    Fold(b, scale, totals, 1);
                    if (TTokens.Count > 2) Fold(c, scale, totals, 2);
                    if (TTokens.Count > 3) Fold(d, scale, totals, 3);
                }
            }

            for (var token = 0; token < TTokens.Count; token++)
                Scale(TRows.Load(totals + (token * VectorBytes)), scales, numbers + (token * RecordBytes), arguments.Sums + (token * WeightPanel.Rows));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(TRows total, byte* scales, byte* numbers, float* sums)
    {
        var (integers, scale) = (TRows.ToFloats(total), T.Load((float*)scales));
        var value = scale * integers;
        if (TFormat.HasMinimum)
        {
            // To turn a factor's sign rounds nothing.
            var least = T.Broadcast(-*(float*)numbers) * T.Load((float*)(scales + (8 * RowBytes)));
            value = T.FusedMultiplyAdd(scale, integers, least);
        }

        Chain(T.Broadcast(*(float*)(numbers + TileActivations.B - TileActivations.A)), value, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Chain(T scale, T value, float* sums) => T.Store(T.FusedMultiplyAdd(scale, value, T.Load(sums)), sums);

    // A group's share of a later panel.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Ask(byte* place, int lines)
    {
        if (!Sse.IsSupported) return place;
        for (var line = 0; line < lines; line++, place += LineBytes) Sse.Prefetch1(place);
        return place;
    }
}
