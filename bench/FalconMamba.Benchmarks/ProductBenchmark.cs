using BenchmarkDotNet.Attributes;

namespace FalconMamba.Benchmarks;

/// <summary>A matrix product for every type of weights.</summary>
public abstract class ProductBenchmark : KernelBenchmark, IDisposable
{
    private ProductRun? _run;

    /// <summary>The weights.</summary>
    [ParamsSource(nameof(AllWeights))]
    public WeightType Weights { get; set; } = null!;

    /// <summary>What <see cref="Weights"/> takes.</summary>
    public static IEnumerable<WeightType> AllWeights => WeightType.All;

    /// <summary>The matrix.</summary>
    public abstract MatrixShape Matrix { get; set; }

    /// <summary>Rows of activations.</summary>
    public abstract int Tokens { get; set; }

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
