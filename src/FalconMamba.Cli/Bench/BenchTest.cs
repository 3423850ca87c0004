namespace FalconMamba.Cli.Bench;

/// <summary>One thing to measure, in llama-bench's terms.</summary>
/// <param name="Prompt">Tokens read.</param>
/// <param name="Generated">Tokens generated one by one behind them.</param>
/// <param name="Depth">Tokens the state has seen before.</param>
/// <param name="Batch">Tokens handed over in one call.</param>
internal sealed record BenchTest(int Prompt, int Generated, int Depth, int Batch)
{
    /// <summary>pp512, tg128, pp512+tg128, with "@ d4096" at a depth.</summary>
    public string Name
    {
        get
        {
            var name = string.Join('+', new[] { Prompt > 0 ? $"pp{Prompt}" : "", Generated > 0 ? $"tg{Generated}" : "" }.Where(part => part.Length > 0));
            return Depth > 0 ? $"{name} @ d{Depth}" : name;
        }
    }
}

/// <summary>A measured test.</summary>
/// <param name="Test">What was measured.</param>
/// <param name="Time">When it began, in universal time.</param>
/// <param name="Nanoseconds">The time of each repetition.</param>
/// <param name="Memory">What the process had in memory at its end.</param>
internal sealed record BenchResult(BenchTest Test, DateTime Time, IReadOnlyList<long> Nanoseconds, ResidentMemory Memory)
{
    /// <summary>Tokens a second of each repetition.</summary>
    public IReadOnlyList<double> Rates { get; } = [.. Nanoseconds.Select(ns => (Test.Prompt + Test.Generated) * 1e9 / Math.Max(1, ns))];
}
