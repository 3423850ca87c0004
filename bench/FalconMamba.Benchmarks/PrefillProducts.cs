using BenchmarkDotNet.Attributes;

namespace FalconMamba.Benchmarks;

/// <summary>The large matrix products of a prompt's tokens, or of as many sequences: bound by arithmetic.</summary>
public class PrefillProducts : ProductBenchmark
{
    /// <inheritdoc/>
    [ParamsSource(nameof(LargeMatrices))]
    public override MatrixShape Matrix { get; set; } = null!;

    /// <inheritdoc/>
    [Params(2, 5, 8, 16, 64, 256)]
    public override int Tokens { get; set; }

    /// <summary>What <see cref="Matrix"/> takes.</summary>
    public static IEnumerable<MatrixShape> LargeMatrices => [MatrixShape.InProj, MatrixShape.OutProj];
}
