using System.Collections.Immutable;

namespace FalconMamba.Generation;

/// <summary>What is added to the logit of a sequence's last token where the text ends with the tokens before it.</summary>
/// <param name="Ids">The sequence, one token or more.</param>
/// <param name="Bias">What is added; minus infinity forbids it.</param>
public readonly record struct SequenceBias(ImmutableArray<int> Ids, double Bias);

// Tokens that are wanted, unwanted or forced.
public sealed partial record GenerationOptions
{
    /// <summary>What is added to logits of tokens and sequences (<c>sequence_bias</c>); several that match add up.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative, or a bias NaN or positive infinity.</exception>
    /// <exception cref="ArgumentException">A sequence is empty.</exception>
    public ImmutableArray<SequenceBias> SequenceBias
    {
        get;
        init
        {
            if (value.IsDefault) value = [];
            Setting.Sequences([.. value.Select(bias => bias.Ids)], "sequence_bias");
            foreach (var bias in value) Setting.Finite(double.IsNegativeInfinity(bias.Bias) ? 0 : bias.Bias, "sequence_bias");
            field = value;
        }
    } = [];

    /// <summary>Sequences that never come (<c>bad_words_ids</c>); a single end token among them counts for nothing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    /// <exception cref="ArgumentException">A sequence is empty.</exception>
    public ImmutableArray<ImmutableArray<int>> BadWordsIds { get; init => field = Setting.Sequences(value, "bad_words_ids"); } = [];

    /// <summary>Tokens that never come (<c>suppress_tokens</c>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public ImmutableArray<int> SuppressTokens { get; init => field = Setting.Ids(value, "suppress_tokens"); } = [];

    /// <summary>Tokens that are never the first of the output (<c>begin_suppress_tokens</c>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public ImmutableArray<int> BeginSuppressTokens { get; init => field = Setting.Ids(value, "begin_suppress_tokens"); } = [];

    /// <summary>The token behind a prompt of one token (<c>forced_bos_token_id</c>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is negative.</exception>
    public int? ForcedBosTokenId { get; init => field = Setting.From(value, 0, "forced_bos_token_id"); }

    /// <summary>The tokens of which one comes last where the greatest length is reached (<c>forced_eos_token_id</c>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public ImmutableArray<int> ForcedEosTokenIds { get; init => field = Setting.Ids(value, "forced_eos_token_id"); } = [];

    /// <summary>Whether scores are log probabilities again after all settings (<c>renormalize_logits</c>): for beams and for kept scores.</summary>
    public bool? RenormalizeLogits { get; init; }

    /// <summary>Processors of the caller's own; they run behind the built-in ones and before anything is filtered for a draw.</summary>
    /// <exception cref="ArgumentException">One is null.</exception>
    public ImmutableArray<ILogitsProcessor> LogitsProcessors
    {
        get;
        init
        {
            if (value.IsDefault) value = [];
            if (value.Contains(null!)) throw new ArgumentException("logits_processor must not hold null.", nameof(value));
            field = value;
        }
    } = [];
}
