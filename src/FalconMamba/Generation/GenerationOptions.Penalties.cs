using System.Collections.Immutable;

namespace FalconMamba.Generation;

/// <summary>From where on, and how fast, end tokens become likelier.</summary>
/// <param name="Start">Generated tokens before it begins.</param>
/// <param name="Factor">How much likelier they become with each token.</param>
public readonly record struct ExponentialDecay(int Start, double Factor);

// What the tokens so far make less or more likely. They work on greedy choices, draws and beams alike.
public sealed partial record GenerationOptions
{
    /// <summary>Divides positive logits of tokens of prompt and output, and multiplies negative ones (<c>repetition_penalty</c>); 1 changes nothing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not above 0 or not finite.</exception>
    public double? RepetitionPenalty { get; init => field = Setting.Positive(value, "repetition_penalty"); }

    /// <summary>Is subtracted from a token's logit for every time it was generated (<c>frequency_penalty</c>); the prompt does not count.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a finite number.</exception>
    public double? FrequencyPenalty { get; init => field = Setting.Finite(value, "frequency_penalty"); }

    /// <summary>Is subtracted from a token's logit if it was generated (<c>presence_penalty</c>); the prompt does not count.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a finite number.</exception>
    public double? PresencePenalty { get; init => field = Setting.Finite(value, "presence_penalty"); }

    /// <summary>No sequence of so many tokens comes twice, the prompt included (<c>no_repeat_ngram_size</c>); 0 allows all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int? NoRepeatNgramSize { get; init => field = Setting.From(value, 0, "no_repeat_ngram_size"); }

    /// <summary>Makes end tokens likelier from a length on (<c>exponential_decay_length_penalty</c>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The start is negative, or the factor not above 0 or not finite.</exception>
    public ExponentialDecay? ExponentialDecayLengthPenalty
    {
        get;
        init
        {
            Setting.From(value?.Start, 0, "exponential_decay_length_penalty");
            Setting.Positive(value?.Factor, "exponential_decay_length_penalty");
            field = value;
        }
    }

    /// <summary>How strongly a token is held back that would go on with a repetition (<c>dry_multiplier</c>); 0 is not at all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative or not finite.</exception>
    public double? DryMultiplier { get; init => field = Setting.From(value, 0, float.MaxValue, "dry_multiplier"); }

    /// <summary>How fast that grows with the repetition's length (<c>dry_base</c>), 1.75 by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1 or not finite.</exception>
    public double? DryBase { get; init => field = Setting.From(value, 1, float.MaxValue, "dry_base"); }

    /// <summary>The longest repetition that costs nothing (<c>dry_allowed_length</c>), 2 by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int? DryAllowedLength { get; init => field = Setting.From(value, 1, "dry_allowed_length"); }

    /// <summary>How many of the last tokens are searched for repetitions (<c>dry_penalty_last_n</c>); −1, the default, for all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below −1.</exception>
    public int? DryPenaltyLastN { get; init => field = Setting.From(value, -1, "dry_penalty_last_n"); }

    /// <summary>Tokens that no repetition reaches across (<c>dry_sequence_breakers</c>), such as line breaks.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public ImmutableArray<int> DrySequenceBreakers { get; init => field = Setting.Ids(value, "dry_sequence_breakers"); } = [];
}
