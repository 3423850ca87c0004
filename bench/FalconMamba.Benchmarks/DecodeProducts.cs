using BenchmarkDotNet.Attributes;

namespace FalconMamba.Benchmarks;

/// <summary>The matrix products of one generated token: bound by memory.</summary>
public class DecodeProducts : KernelBenchmark, IDisposable
{
    private ProductRun? _run;

    /// <summary>The weights.</summary>
    [ParamsSource(nameof(AllWeights))]
    public WeightType Weights { get; set; } = null!;

    /// <summary>The matrix.</summary>
    [ParamsSource(nameof(AllMatrices))]
    public MatrixShape Matrix { get; set; } = null!;

    /// <summary>What <see cref="Weights"/> takes.</summary>
    public static IEnumerable<WeightType> AllWeights => WeightType.All;

    /// <summary>What <see cref="Matrix"/> takes.</summary>
    public static IEnumerable<MatrixShape> AllMatrices => MatrixShape.All;

    /// <summary>Fills the memory.</summary>
    [GlobalSetup]
    public void SetUp() => _run = new ProductRun(Weights, Matrix, 1);

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
    public override Work WorkOf(string method) => ProductRun.WorkOf(Weights, Matrix, 1);
}
