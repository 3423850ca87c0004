using System.Collections.Immutable;

namespace FalconMamba.Generation;

/// <summary>How text is generated. Every value is checked when it is set, so that an instance is always valid.</summary>
public sealed record GenerationOptions
{
    // Below this the likeliest token has all of the probability that a float can tell.
    private const double LeastTemperature = 1e-5;

    /// <summary>How many tokens are generated at most; at least 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int MaxNewTokens
    {
        get;
        init => field = value >= 1 ? value : throw OutOfRange(nameof(MaxNewTokens), value, "must be at least 1");
    } = 256;

    /// <summary>Divisor of the logits before drawing; null or 0 takes the likeliest token instead of drawing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative or not finite.</exception>
    public double? Temperature
    {
        get;
        init => field = value is null or (>= 0 and <= float.MaxValue) ? value : throw OutOfRange(nameof(Temperature), value, "must be a finite number from 0");
    }

    /// <summary>How many of the likeliest tokens are kept, with all that equal the last of them; 0 keeps all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int TopK
    {
        get;
        init => field = value >= 0 ? value : throw OutOfRange(nameof(TopK), value, "must be 0 or more");
    }

    /// <summary>The likeliest tokens are kept until their probabilities reach this sum; 1 keeps all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not from 0 to 1.</exception>
    public double TopP
    {
        get;
        init => field = value is >= 0 and <= 1 ? value : throw OutOfRange(nameof(TopP), value, "must be from 0 to 1");
    } = 1;

    /// <summary>Tokens less likely than this fraction of the likeliest are dropped; 0 keeps all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not from 0 to 1.</exception>
    public double MinP
    {
        get;
        init => field = value is >= 0 and <= 1 ? value : throw OutOfRange(nameof(MinP), value, "must be from 0 to 1");
    }

    /// <summary>The seed of the draws: the same seed, position and logits draw the same token.</summary>
    public ulong Seed { get; init; }

    /// <summary>Tokens that end the text, besides the model's own end tokens.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public ImmutableArray<int> StopIds
    {
        get;
        init
        {
            if (value.IsDefault) value = [];
            foreach (var id in value)
                if (id < 0) throw OutOfRange(nameof(StopIds), id, "must be token ids, 0 or more");
            field = value;
        }
    } = [];

    /// <summary>Strings that end the text; neither they nor what follows them is part of it. Empty strings count for nothing.</summary>
    /// <exception cref="ArgumentException">A string is null.</exception>
    public ImmutableArray<string> StopStrings
    {
        get;
        init
        {
            if (value.IsDefault) value = [];
            if (value.Contains(null!)) throw new ArgumentException("Stop strings must not be null.", nameof(value));
            field = value;
        }
    } = [];

    /// <summary>Whether the model's own end tokens do not end the text; <see cref="StopIds"/> still do.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>Whether the likeliest token is taken and nothing drawn.</summary>
    public bool IsGreedy => Temperature is null or < LeastTemperature;

    private static ArgumentOutOfRangeException OutOfRange(string name, object? value, string rule) => new(name, value, $"{name} {rule}.");
}
