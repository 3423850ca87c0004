using FalconMamba.Formats;
using FalconMamba.Kernels;

namespace FalconMamba.Benchmarks;

/// <summary>A matrix product on memory of its own. The weights lie there many times, so that no call finds its own in a cache.</summary>
internal sealed class ProductRun : IDisposable
{
    private const long CycledBytes = 512L << 20;

    private readonly KernelSet _kernels;
    private readonly Tensor _weights;
    private readonly Rows _input, _output;
    private readonly QuantizedActivations _scratch;
    private readonly int _rows, _tokens;
    private int _firstRow;

    public ProductRun(WeightType weights, MatrixShape matrix, int tokens)
    {
        var bytes = WorkOf(weights, matrix, 0).Bytes;
        _kernels = KernelSet.Create(MeasuredPeaks.Threads, weights.Exact);
        _weights = RandomMatrix.Create(weights.Type, checked((int)((CycledBytes + bytes - 1) / bytes) * matrix.Rows), matrix.Columns);
        _rows = matrix.Rows;
        _tokens = tokens;
        _input = RandomRows.Create(tokens, matrix.Columns);
        _output = RandomRows.Create(tokens, matrix.Rows);
        _scratch = new QuantizedActivations(tokens, matrix.Columns);
    }

    /// <summary>The work of a call.</summary>
    public static Work WorkOf(WeightType weights, MatrixShape matrix, int tokens)
    {
        var info = weights.Type.Info();
        var elements = (long)matrix.Rows * matrix.Columns;
        return new Work(
            (elements / info.BlockLength * info.BlockBytes) + ((long)tokens * (matrix.Rows + matrix.Columns) * sizeof(float)),
            2 * elements * tokens,
            weights.Products);
    }

    /// <summary>Multiplies with the next copy of the weights.</summary>
    public void Multiply()
    {
        _kernels.MatrixProduct(_weights, _firstRow, _rows, _input, _output, null, _tokens, _scratch);
        _firstRow = (int)((_firstRow + _rows) % _weights.Shape[0]);
    }

    public void Dispose()
    {
        _input.Buffer.Dispose();
        _output.Buffer.Dispose();
        _scratch.Dispose();
    }
}
