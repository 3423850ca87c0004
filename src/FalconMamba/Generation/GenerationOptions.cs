using System.Collections.Immutable;

namespace FalconMamba.Generation;

/// <summary>When a beam search ends.</summary>
public enum EarlyStopping
{
    /// <summary>When the best running beam is no better at its present length than the worst of the finished ones.</summary>
    False,

    /// <summary>As soon as there are as many finished beams as asked for.</summary>
    True,

    /// <summary>When no running beam can become better at any length.</summary>
    Never,
}

/// <summary>
/// How text is generated: the names, meanings and defaults are those of transformers' <c>GenerationConfig</c>; what llama.cpp
/// adds has its names. Every value is checked when it is set. Null means "not given": a <see cref="GenerationConfig"/> may then
/// fill it in, else the default holds.
/// </summary>
public sealed partial record GenerationOptions
{
    /// <summary>How long prompt and output are together where nothing else is said.</summary>
    public const int DefaultMaxLength = 20;

    /// <summary>How many tokens are generated at most (<c>max_new_tokens</c>); at least 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int? MaxNewTokens { get; init => field = Setting.From(value, 1, "max_new_tokens"); }

    /// <summary>
    /// How long prompt and output are together at most (<c>max_length</c>); <see cref="DefaultMaxLength"/> unless
    /// <see cref="MaxNewTokens"/> is given.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int? MaxLength { get; init => field = Setting.From(value, 1, "max_length"); }

    /// <summary>No end token comes before so many are generated (<c>min_new_tokens</c>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int? MinNewTokens { get; init => field = Setting.From(value, 0, "min_new_tokens"); }

    /// <summary>No end token comes before prompt and output have so many tokens together (<c>min_length</c>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int? MinLength { get; init => field = Setting.From(value, 0, "min_length"); }

    /// <summary>Whether tokens are drawn (<c>do_sample</c>); else the likeliest is taken.</summary>
    public bool? DoSample { get; init; }

    /// <summary>The seed of the draws: the same seed, position and logits draw the same token.</summary>
    public ulong Seed { get; init; }

    /// <summary>How many sequences are generated (<c>num_return_sequences</c>): drawn ones, or the best beams.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int? NumReturnSequences { get; init => field = Setting.From(value, 1, "num_return_sequences"); }

    /// <summary>How many beams a beam search keeps (<c>num_beams</c>); 1 is no beam search.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int? NumBeams { get; init => field = Setting.From(value, 1, "num_beams"); }

    /// <summary>
    /// A finished beam's score is its log probability over its length to this power (<c>length_penalty</c>, 1 by default):
    /// above 0 it favours long ones, below 0 short ones.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a finite number.</exception>
    public double? LengthPenalty { get; init => field = Setting.Finite(value, "length_penalty"); }

    /// <summary>When a beam search ends (<c>early_stopping</c>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is none of the three.</exception>
    public EarlyStopping? EarlyStopping { get; init => field = Setting.Defined(value, "early_stopping"); }

    /// <summary>The tokens that end a text (<c>eos_token_id</c>); null for the model's own.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public ImmutableArray<int>? EosTokenIds { get; init => field = value is { } ids ? Setting.Ids(ids, "eos_token_id") : null; }

    /// <summary>Tokens that end the text besides those.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public ImmutableArray<int> StopIds { get; init => field = Setting.Ids(value, "stop_ids"); } = [];

    /// <summary>
    /// Strings that end the text (<c>stop_strings</c>); neither they nor what follows them is part of it. Empty strings count
    /// for nothing.
    /// </summary>
    /// <exception cref="ArgumentException">A string is null.</exception>
    public ImmutableArray<string> StopStrings
    {
        get;
        init
        {
            if (value.IsDefault) value = [];
            if (value.Contains(null!)) throw new ArgumentException("stop_strings must not hold null.", nameof(value));
            field = value;
        }
    } = [];

    /// <summary>Whether <see cref="EosTokenIds"/> and the model's own end tokens do not end the text; <see cref="StopIds"/> still do.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>
    /// Tells of each generated token its log probability under the model, and those of so many likeliest; null for none of it.
    /// Before any setting changes them, so they do not depend on the other options.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int? Logprobs { get; init => field = Setting.From(value, 0, "logprobs"); }

    /// <summary>Keeps for each generated token the scores it was chosen by, after all settings (<c>output_scores</c>).</summary>
    public bool OutputScores { get; init; }

    /// <summary>Keeps for each generated token the model's logits (<c>output_logits</c>).</summary>
    public bool OutputLogits { get; init; }

    /// <summary>Whether anything is kept of each token.</summary>
    internal bool WantsDetails => Logprobs is not null || OutputScores || OutputLogits;

    /// <summary>The number of beams.</summary>
    internal int Beams => NumBeams ?? 1;

    /// <summary>Refuses settings that would have no effect beside the others, as generating does.</summary>
    /// <exception cref="ArgumentException">There is one; the message is one sentence that names it.</exception>
    public void Check() => OptionRules.ThrowIfIneffective(this);

    /// <summary>The tokens that end a text of a model.</summary>
    /// <param name="model">The model's own end tokens.</param>
    public ImmutableArray<int> EndIds(ImmutableArray<int> model) => [.. IgnoreEos ? [] : EosTokenIds ?? model, .. StopIds];

    /// <summary>How many tokens may be generated behind a sequence.</summary>
    /// <param name="length">The length of the sequence so far, prompt included.</param>
    /// <exception cref="ArgumentException">There is room for none.</exception>
    public int NewTokens(long length)
    {
        if (MaxNewTokens is { } most) return most;
        var room = (MaxLength ?? DefaultMaxLength) - length;
        return room >= 1
            ? (int)room
            : throw new ArgumentException($"max_length is {MaxLength ?? DefaultMaxLength}, the prompt counts, and there are {length} tokens already: raise max_length or set max_new_tokens.");
    }
}
