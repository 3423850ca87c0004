namespace FalconMamba.Model;

/// <summary>How a model runs. None of these changes what it computes beyond rounding.</summary>
public sealed record ModelOptions
{
    /// <summary>Threads a forward pass uses; 0 for one a physical core that this process may use.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// Tokens that go through the layers together. Memory grows with it, answers do not depend on it; 1 reads a prompt token
    /// by token.
    /// </summary>
    public int PrefillChunkSize { get; init; } = 256;

    /// <summary>
    /// Pins one kernel family for all batch sizes, so that the same tokens give the same bits however they are cut into
    /// chunks, whoever shares the batch and whatever the number of threads. The float kernels always do.
    /// </summary>
    public bool Deterministic { get; init; }

    internal ModelOptions Checked()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(Threads);
        ArgumentOutOfRangeException.ThrowIfLessThan(PrefillChunkSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(PrefillChunkSize, 16384);
        return Threads > 0 ? this : this with { Threads = Kernels.Processor.PhysicalCores };
    }
}
