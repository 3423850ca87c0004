using BenchmarkDotNet.Attributes;

namespace FalconMamba.Benchmarks;

/// <summary>The kernels between the matrix products.</summary>
public class LayerKernels : KernelBenchmark, IDisposable
{
    private LayerRun? _run;

    /// <summary>Consecutive tokens of one sequence.</summary>
    [Params(1, 256)]
    public int Tokens { get; set; }

    /// <summary>Fills the memory.</summary>
    [GlobalSetup]
    public void SetUp() => _run = new LayerRun(Tokens);

    /// <summary>Releases it.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _run?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The selective scan.</summary>
    [Benchmark]
    public void SelectiveScan() => _run!.Scan();

    /// <summary>The convolution.</summary>
    [Benchmark]
    public void CausalConvolution() => _run!.Convolve();

    /// <summary>The norm at the model's width.</summary>
    [Benchmark]
    public void RmsNorm() => _run!.Normalize();

    /// <summary>Rounding to eight bits at the model's width.</summary>
    [Benchmark]
    public void ActivationQuantizer() => _run!.Quantize();

    /// <inheritdoc/>
    public override Work WorkOf(string method)
    {
        const long Hidden = LayerRun.Hidden, Channels = LayerRun.Channels, States = LayerRun.States, Taps = LayerRun.Taps;
        return method switch
        {
            // A and twice the state; x twice, z, dt. A state: dt·A, its exponential, three products and two sums.
            nameof(SelectiveScan) => new Work(
                sizeof(float) * ((Channels * ((3 * States) + 2)) + (Tokens * ((4 * Channels) + (2 * States)))),
                Tokens * Channels * ((7 * States) + 12)),
            nameof(CausalConvolution) => new Work(
                sizeof(float) * ((Channels * (Taps + 1 + (2 * (Taps - 1)))) + (Tokens * 2 * Channels)),
                Tokens * Channels * ((2 * Taps) + 4)),
            nameof(RmsNorm) => new Work(sizeof(float) * Hidden * (1 + (2 * Tokens)), 4 * Hidden * Tokens),
            // A byte a number comes out, and scales and sums.
            nameof(ActivationQuantizer) => new Work(Hidden * (sizeof(float) + 1) * Tokens, 3 * Hidden * Tokens),
            _ => throw new ArgumentOutOfRangeException(nameof(method), method, "unknown kernel"),
        };
    }
}
