using BenchmarkDotNet.Attributes;

namespace FalconMamba.Benchmarks;

/// <summary>The large matrix products of a prompt's tokens, or of as many sequences: bound by arithmetic.</summary>
public class PrefillProducts : KernelBenchmark, IDisposable
{
    private ProductRun? _run;

    /// <summary>The weights.</summary>
    [ParamsSource(nameof(AllWeights))]
    public WeightType Weights { get; set; } = null!;

    /// <summary>The matrix.</summary>
    [ParamsSource(nameof(LargeMatrices))]
    public MatrixShape Matrix { get; set; } = null!;

    /// <summary>Rows of activations.</summary>
    [Params(8, 64, 256)]
    public int Tokens { get; set; }

    /// <summary>What <see cref="Weights"/> takes.</summary>
    public static IEnumerable<WeightType> AllWeights => WeightType.All;

    /// <summary>What <see cref="Matrix"/> takes.</summary>
    public static IEnumerable<MatrixShape> LargeMatrices => [MatrixShape.InProj, MatrixShape.OutProj];

    /// <summary>Fills the memory.</summary>
    [GlobalSetup]
    public void SetUp() => _run = new ProductRun(Weights, Matrix, Tokens);

    /// <summary>Releases it.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _run?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>One product.</summary>
    [Benchmark]
    public void Product() => _run!.Multiply();

    /// <inheritdoc/>
    public override Work WorkOf(string method) => ProductRun.WorkOf(Weights, Matrix, Tokens);
}
