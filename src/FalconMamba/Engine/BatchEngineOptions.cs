using FalconMamba.Model;

namespace FalconMamba.Engine;

/// <summary>How many requests an engine serves, and how it shares its time among them.</summary>
public sealed record BatchEngineOptions
{
    /// <summary>How many requests run at once; each has a state. The others wait.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int MaxRunning { get; init => field = AtLeastOne(value); } = 32;

    /// <summary>How many requests may wait, and how much exclusive work; what comes then is refused.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int MaxWaiting { get; init => field = AtLeastOne(value); } = 256;

    /// <summary>How many tokens of prompts a step reads at most: those that go through the model's layers together.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int MaxPromptTokens { get; init => field = AtLeastOne(value); } = ModelOptions.DefaultPrefillChunkSize;

    /// <summary>
    /// How long a running stream may wait for its next token while prompts are read, unless three steps without prompts take
    /// longer. A step reads as many tokens of prompts as take a third of it, or 1.65 such steps.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not above zero.</exception>
    public TimeSpan LongestGap { get; init => field = AboveZero(value); } = TimeSpan.FromMilliseconds(150);

    /// <summary>How long a step may take where no stream runs: so long may a new request wait, or a cancelled one go on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not above zero.</exception>
    public TimeSpan LongestStep { get; init => field = AboveZero(value); } = TimeSpan.FromSeconds(1);

    /// <summary>How many tokens of a stream wait for its reader; then the stream pauses until some are read.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int StreamCapacity { get; init => field = AtLeastOne(value); } = 1024;

    /// <summary>Where states of prompts are kept for later requests; null for nowhere.</summary>
    public IPrefixCache? Prefixes { get; init; }

    private static int AtLeastOne(int value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
        return value;
    }

    private static TimeSpan AboveZero(TimeSpan value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
        return value;
    }
}
