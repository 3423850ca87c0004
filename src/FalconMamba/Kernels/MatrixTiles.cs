using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Kernels;

/// <summary>
/// The inner loops of <see cref="MatrixProduct{T, TFormat}"/>. The columns beyond the last multiple of sixteen come first:
/// a call after the loop would force the accumulators out of their registers.
/// </summary>
internal static unsafe class MatrixTiles<T, TFormat>
    where T : unmanaged, ILanes<T>
    where TFormat : struct, IFloatFormat
{
    /// <summary>Four rows and one token: decode, at the speed of the memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FourRows(in MatrixProductArguments p, int row, int token)
    {
        nint columns = p.Columns, whole = columns & ~15, rowBytes = columns * TFormat.Size;
        var w0 = p.Weights + row * rowBytes;
        var w1 = w0 + rowBytes;
        var w2 = w1 + rowBytes;
        var w3 = w2 + rowBytes;
        var x = p.Input + (nint)token * p.InputStride;
        // The same columns of the next four rows: rows are short against the distance that memory needs, and the hardware's
        // own prefetch starts anew at each.
        var ahead = 4 * rowBytes;
        T a0 = default, a1 = default, a2 = default, a3 = default;
        if (whole < columns)
        {
            var tail = (int)(columns - whole);
            var at = whole * TFormat.Size;
            a0 = T.FusedMultiplyAdd(LoadTail(w0 + at, tail), T.Load(x + whole), a0);
            a1 = T.FusedMultiplyAdd(LoadTail(w1 + at, tail), T.Load(x + whole), a1);
            a2 = T.FusedMultiplyAdd(LoadTail(w2 + at, tail), T.Load(x + whole), a2);
            a3 = T.FusedMultiplyAdd(LoadTail(w3 + at, tail), T.Load(x + whole), a3);
        }

        for (nint k = 0; k < whole; k += 16)
        {
            var v = T.Load(x + k);
            var at = k * TFormat.Size;
            if (Sse.IsSupported)
            {
                Sse.Prefetch1(w0 + at + ahead);
                Sse.Prefetch1(w1 + at + ahead);
                Sse.Prefetch1(w2 + at + ahead);
                Sse.Prefetch1(w3 + at + ahead);
            }

            a0 = T.FusedMultiplyAdd(TFormat.Load<T>(w0 + at), v, a0);
            a1 = T.FusedMultiplyAdd(TFormat.Load<T>(w1 + at), v, a1);
            a2 = T.FusedMultiplyAdd(TFormat.Load<T>(w2 + at), v, a2);
            a3 = T.FusedMultiplyAdd(TFormat.Load<T>(w3 + at), v, a3);
        }

        p.Put(row, token, T.Sum(a0));
        p.Put(row + 1, token, T.Sum(a1));
        p.Put(row + 2, token, T.Sum(a2));
        p.Put(row + 3, token, T.Sum(a3));
    }

    /// <summary>Two rows and any number of tokens, two at a time: prefill and batches.</summary>
    public static void TwoRows(in MatrixProductArguments p, byte* w0, byte* w1, int row, int token, int tokens)
    {
        var end = token + tokens;
        for (; token + 2 <= end; token += 2) TwoByTwo(in p, w0, w1, row, token);
        if (token == end) return;
        OneRow(in p, w0, row, token);
        OneRow(in p, w1, row + 1, token);
    }

    /// <summary>One row and one token.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OneRow(in MatrixProductArguments p, byte* w, int row, int token)
    {
        nint columns = p.Columns, whole = columns & ~15;
        var x = p.Input + (nint)token * p.InputStride;
        T a = default;
        if (whole < columns)
            a = T.FusedMultiplyAdd(LoadTail(w + whole * TFormat.Size, (int)(columns - whole)), T.Load(x + whole), a);
        for (nint k = 0; k < whole; k += 16)
            a = T.FusedMultiplyAdd(TFormat.Load<T>(w + k * TFormat.Size), T.Load(x + k), a);
        p.Put(row, token, T.Sum(a));
    }

    /// <summary>The last columns of a row, with zeros behind them: nothing beyond the row is read.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static T LoadTail(byte* source, int count)
    {
        var lanes = stackalloc byte[64];
        var span = new Span<byte>(lanes, 64);
        span.Clear();
        new ReadOnlySpan<byte>(source, count * TFormat.Size).CopyTo(span);
        return TFormat.Load<T>(lanes);
    }

    // Eight accumulator registers of 256 bits, four of weights and two of inputs: what sixteen registers hold.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoByTwo(in MatrixProductArguments p, byte* w0, byte* w1, int row, int token)
    {
        nint columns = p.Columns, whole = columns & ~15;
        var x0 = p.Input + (nint)token * p.InputStride;
        var x1 = x0 + p.InputStride;
        T a00 = default, a01 = default, a10 = default, a11 = default;
        if (whole < columns)
        {
            var r0 = LoadTail(w0 + whole * TFormat.Size, (int)(columns - whole));
            var r1 = LoadTail(w1 + whole * TFormat.Size, (int)(columns - whole));
            a00 = T.FusedMultiplyAdd(r0, T.Load(x0 + whole), a00);
            a10 = T.FusedMultiplyAdd(r1, T.Load(x0 + whole), a10);
            a01 = T.FusedMultiplyAdd(r0, T.Load(x1 + whole), a01);
            a11 = T.FusedMultiplyAdd(r1, T.Load(x1 + whole), a11);
        }

        for (nint k = 0; k < whole; k += 16)
        {
            var r0 = TFormat.Load<T>(w0 + k * TFormat.Size);
            var r1 = TFormat.Load<T>(w1 + k * TFormat.Size);
            var v = T.Load(x0 + k);
            a00 = T.FusedMultiplyAdd(r0, v, a00);
            a10 = T.FusedMultiplyAdd(r1, v, a10);
            v = T.Load(x1 + k);
            a01 = T.FusedMultiplyAdd(r0, v, a01);
            a11 = T.FusedMultiplyAdd(r1, v, a11);
        }

        p.Put(row, token, T.Sum(a00));
        p.Put(row + 1, token, T.Sum(a10));
        p.Put(row, token + 1, T.Sum(a01));
        p.Put(row + 1, token + 1, T.Sum(a11));
    }
}
