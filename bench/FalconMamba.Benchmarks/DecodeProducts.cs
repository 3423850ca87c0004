using BenchmarkDotNet.Attributes;

namespace FalconMamba.Benchmarks;

/// <summary>The matrix products of one generated token: bound by memory.</summary>
public class DecodeProducts : ProductBenchmark
{
    /// <inheritdoc/>
    [ParamsSource(nameof(AllMatrices))]
    public override MatrixShape Matrix { get; set; } = null!;

    /// <inheritdoc/>
    public override int Tokens { get; set; } = 1;

    /// <summary>What <see cref="Matrix"/> takes.</summary>
    public static IEnumerable<MatrixShape> AllMatrices => MatrixShape.All;
}
