namespace FalconMamba.Model;

/// <summary>How a model runs. Only <see cref="MixerRmsEps"/> changes what it computes beyond rounding.</summary>
public sealed record ModelOptions
{
    /// <summary>The tokens that go through the layers together unless another number is given.</summary>
    public const int DefaultPrefillChunkSize = 512;

    /// <summary>Threads a forward pass uses; 0 for one a physical core that this process may use.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// Tokens that go through the layers together. Memory grows with it, answers depend on it only as <see cref="Deterministic"/>
    /// says; 1 reads a prompt token by token.
    /// </summary>
    /// <remarks>
    /// The default was measured on models of 130 M to 7 B parameters: with fewer, weights are unpacked more often than need be,
    /// and more gain nothing.
    /// </remarks>
    public int PrefillChunkSize { get; init; } = DefaultPrefillChunkSize;

    /// <summary>
    /// Pins one kernel family for all batch sizes, so that the same tokens give the same bits however they are cut into
    /// chunks, whoever shares the batch and whatever the number of threads. Only BF16 weights need it, on processors that
    /// multiply bfloat16 faster than float32: elsewhere the same tokens always give the same bits. Which family it is depends
    /// on the processor, so another one may give other bits; <see cref="Exact"/> gives float weights the same on all of them.
    /// </summary>
    public bool Deterministic { get; init; }

    /// <summary>
    /// Multiplies weights in block formats with activations of 32 bits rather than of eight: slower, and as exact as float
    /// weights are. Keeps BF16 weights from activations rounded to bfloat16, too; weights of other types are always exact.
    /// </summary>
    public bool Exact { get; init; }

    /// <summary>
    /// Epsilon of the norms on dt, B and C, in place of the checkpoint's; null keeps that one. GGUF files often lack it.
    /// </summary>
    public double? MixerRmsEps { get; init; }

    /// <summary>A checkpoint's config as these options run it.</summary>
    public FalconMambaConfig Configure(FalconMambaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return MixerRmsEps is { } epsilon ? config with { MixerRmsEps = epsilon, MixerRmsEpsSource = EpsilonSource.Override } : config;
    }

    internal ModelOptions Checked()
    {
        if (MixerRmsEps is { } epsilon && !(epsilon >= FalconMambaConfig.LeastEpsilon && epsilon <= 1))
            throw new ArgumentException($"An epsilon from {FalconMambaConfig.LeastEpsilon:R} to 1 was expected, {epsilon:R} was given.");

        ArgumentOutOfRangeException.ThrowIfNegative(Threads);
        ArgumentOutOfRangeException.ThrowIfLessThan(PrefillChunkSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(PrefillChunkSize, 16384);
        return Threads > 0 ? this : this with { Threads = Kernels.Processor.PhysicalCores };
    }
}
