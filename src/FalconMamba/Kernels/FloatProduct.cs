using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Kernels;

/// <summary>A matrix of float32 in memory, row-major.</summary>
/// <param name="Data">Its rows.</param>
/// <param name="Count">How many rows.</param>
/// <param name="Width">Columns.</param>
internal readonly record struct FloatMatrix(Rows Data, int Count, int Width);

/// <summary>
/// Products of float32 matrices in the orientations that training needs: X·Wᵀ forward, dY·W for the inputs' gradients, dYᵀ·X for
/// the weights'. An operand whose rows are not what is multiplied is transposed first, a panel of rows at a time, and then
/// the one product of <see cref="MatrixProduct{T, TFormat}"/> runs, with its order and its bits.
/// </summary>
internal static class FloatProduct
{
    // Rows of a transposed panel of the right operand: many tiles, and little memory.
    private const int PanelRows = 512;

    /// <summary>C = op(A)·op(B) or C += op(A)·op(B).</summary>
    /// <param name="a">A: [m, k], or [k, m] to be transposed.</param>
    /// <param name="transposeA">Whether op(A) is Aᵀ.</param>
    /// <param name="b">B: [k, n], or [n, k] to be transposed, which costs nothing.</param>
    /// <param name="transposeB">Whether op(B) is Bᵀ.</param>
    /// <param name="c">C [m, n].</param>
    /// <param name="pool">The threads.</param>
    /// <param name="threads">How many of them.</param>
    /// <param name="assembled">Whether assembled kernels do what they can.</param>
    /// <param name="accumulate">Adds to C.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static unsafe void Run<T>(
        FloatMatrix a, bool transposeA, FloatMatrix b, bool transposeB, FloatMatrix c, ComputePool pool, int threads, bool assembled, bool accumulate)
        where T : unmanaged, ILanes<T>
    {
        var (m, k) = transposeA ? (a.Width, a.Count) : (a.Count, a.Width);
        var (n, depth) = transposeB ? (b.Count, b.Width) : (b.Width, b.Count);
        if (depth != k || c.Count != m || c.Width != n)
            throw new ArgumentException($"[{m}, {k}] times [{depth}, {n}] does not make [{c.Count}, {c.Width}].", nameof(c));
        if (m == 0 || n == 0) return;
        var stride = Math.Max(16, (k + 15) & ~15);
        // The product reads zeros behind a row of A, so one that has none is copied too.
        var copiesA = transposeA || a.Data.Stride < stride || k % 16 != 0;
        using var left = new NativeBuffer(copiesA ? checked(m * stride) : 0);
        if (copiesA) FloatTransposition.Run(a, transposeA, 0, m, left, stride, pool, threads);
        // A panel's rows follow one another without padding.
        var copiesB = !transposeB || b.Data.Stride != k;
        using var right = new NativeBuffer(copiesB ? checked(Math.Min(n, PanelRows) * k) : 0);
        for (var row = 0; row < n; row += copiesB ? PanelRows : n)
        {
            var rows = copiesB ? Math.Min(PanelRows, n - row) : n;
            if (copiesB) FloatTransposition.Run(b, !transposeB, row, rows, right, k, pool, threads);
            var arguments = new MatrixProductArguments
            {
                Weights = (byte*)(copiesB ? right.Pointer : b.Data.Pointer(n, k)),
                Input = copiesA ? left.Pointer : a.Data.Pointer(m, k),
                Output = c.Data.Pointer(m, n) + row,
                Rows = rows,
                Columns = k,
                Tokens = m,
                InputStride = copiesA ? stride : a.Data.Stride,
                OutputStride = c.Data.Stride,
                Accumulate = accumulate,
            };
            MatrixProduct<T, F32Format>.Run(in arguments, pool, threads, assembled);
        }
    }
}
