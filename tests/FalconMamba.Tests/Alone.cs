namespace FalconMamba.Tests;

/// <summary>
/// Tests beside which no other runs: when two threads first wait for each other's kernels, the runtime allocates what they
/// wait on.
/// </summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
