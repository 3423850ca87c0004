using System.Collections.Immutable;
using FalconMamba.Formats;
using FalconMamba.Tokenization;

namespace FalconMamba.Generation;

/// <summary>
/// Which settings would have no effect beside which others, or cannot be used with them. What a caller gives is refused, what
/// comes from a file is reported and left out: never is a setting ignored in silence. A neutral value, such as a temperature
/// of 1, asks for nothing.
/// </summary>
internal static class OptionRules
{
    private const string NoEnd = "has no effect where no token ends the text";
    private const string NoSampling = "without do_sample", NoBeams = "without num_beams", NoMirostat = "without mirostat", NoDry = "without dry_multiplier", NoAssistant = "without assistant_model";

    private static readonly Rule[] AboutTheEnd =
    [
        Ending("min_new_tokens", o => o.MinNewTokens is > 0, o => o with { MinNewTokens = null }),
        Ending("min_length", o => o.MinLength is > 0, o => o with { MinLength = null }),
        Ending("exponential_decay_length_penalty", o => o.ExponentialDecayLengthPenalty is not null, o => o with { ExponentialDecayLengthPenalty = null }),
    ];

    // What others depend on comes before them, so that they are judged without what was left out.
    private static readonly Rule[] Rules =
    [
        Sampling("mirostat", o => o.Mirostat is > 0, o => o with { Mirostat = null }),
        Idle("mirostat", o => o.Mirostat is > 0, o => o.Beams > 1 ? "with num_beams" : null, o => o with { Mirostat = null }),
        new("num_return_sequences", o => o.NumReturnSequences is > 1, o => o.Beams > 1 && o.NumReturnSequences > o.Beams ? $"is {o.NumReturnSequences} and num_beams only {o.Beams}; it asks for too many" : null, o => o with { NumReturnSequences = null }, "raise num_beams"),
        new("stop_strings", o => !o.StopStrings.IsEmpty, o => o.Beams > 1 ? "cannot be used with num_beams" : null, o => o with { StopStrings = [] }, "use stop ids, or one beam"),
        new("num_beams", o => o.Beams > 1, BesideBeams, o => o with { NumBeams = null }),
        Sampling("temperature", o => o.Temperature is not (null or 1), o => o with { Temperature = null }),
        Narrowing("top_k", o => o.TopK is > 0, o => o with { TopK = null }),
        Narrowing("top_p", o => o.TopP is < 1, o => o with { TopP = null }),
        Narrowing("min_p", o => o.MinP is > 0, o => o with { MinP = null }),
        Narrowing("typical_p", o => o.TypicalP is < 1, o => o with { TypicalP = null }),
        Narrowing("epsilon_cutoff", o => o.EpsilonCutoff is > 0, o => o with { EpsilonCutoff = null }),
        Narrowing("eta_cutoff", o => o.EtaCutoff is > 0, o => o with { EtaCutoff = null }),
        Narrowing("top_h", o => o.TopH is not null, o => o with { TopH = null }),
        Narrowing("top_n_sigma", o => o.TopNSigma is > 0, o => o with { TopNSigma = null }),
        Narrowing("xtc_probability", o => o.XtcProbability is > 0, o => o with { XtcProbability = null }),
        Idle("xtc_probability", o => o.XtcProbability is > 0, o => o.XtcThreshold is > 0.5 ? "with an xtc_threshold above 0.5" : null, o => o with { XtcProbability = null }),
        Idle("xtc_threshold", o => o.XtcThreshold is not null, o => o.XtcProbability is > 0 ? null : "without xtc_probability", o => o with { XtcThreshold = null }),
        Sampling("dynatemp_range", o => o.DynatempRange is > 0, o => o with { DynatempRange = null }),
        Idle("dynatemp_exponent", o => o.DynatempExponent is not (null or 1), o => o.DynatempRange is > 0 ? null : "without dynatemp_range", o => o with { DynatempExponent = null }),
        Idle("mirostat_tau", o => o.MirostatTau is not null, o => o.Mirostat is > 0 ? null : NoMirostat, o => o with { MirostatTau = null }),
        Idle("mirostat_eta", o => o.MirostatEta is not null, o => o.Mirostat is > 0 ? null : NoMirostat, o => o with { MirostatEta = null }),
        Idle("dry_base", o => o.DryBase is not null, o => o.DryMultiplier is > 0 ? null : NoDry, o => o with { DryBase = null }),
        Idle("dry_allowed_length", o => o.DryAllowedLength is not null, o => o.DryMultiplier is > 0 ? null : NoDry, o => o with { DryAllowedLength = null }),
        Idle("dry_penalty_last_n", o => o.DryPenaltyLastN is not null, o => o.DryMultiplier is > 0 ? null : NoDry, o => o with { DryPenaltyLastN = null }),
        Idle("dry_sequence_breakers", o => !o.DrySequenceBreakers.IsEmpty, o => o.DryMultiplier is > 0 ? null : NoDry, o => o with { DrySequenceBreakers = [] }),
        Idle("length_penalty", o => o.LengthPenalty is not (null or 1), o => o.Beams > 1 ? null : NoBeams, o => o with { LengthPenalty = null }),
        Idle("early_stopping", o => o.EarlyStopping is EarlyStopping.True or EarlyStopping.Never, o => o.Beams > 1 ? null : NoBeams, o => o with { EarlyStopping = null }),
        Idle("num_return_sequences", o => o.NumReturnSequences is > 1, o => o.DoSample == true || o.Beams > 1 ? null : "without do_sample or num_beams: all would be the same", o => o with { NumReturnSequences = null }),
        Guessing("assistant_model", o => o.AssistantModel is not null, o => o with { AssistantModel = null }),
        Guessing("prompt_lookup_num_tokens", o => o.PromptLookupNumTokens is not null, o => o with { PromptLookupNumTokens = null }),
        new("prompt_lookup_num_tokens", o => o.PromptLookupNumTokens is not null, o => o.AssistantModel is not null ? "cannot be used with assistant_model" : null, o => o with { PromptLookupNumTokens = null }, "give one of them"),
        Idle("max_matching_ngram_size", o => o.MaxMatchingNgramSize is not null, o => o.PromptLookupNumTokens is null ? "without prompt_lookup_num_tokens" : null, o => o with { MaxMatchingNgramSize = null }),
        Idle("assistant_tokenizer", o => o.AssistantTokenizer is not null, o => o.AssistantModel is null ? NoAssistant : null, o => o with { AssistantTokenizer = null }),
        Idle("num_assistant_tokens", o => o.NumAssistantTokens is not null, o => o.AssistantModel is null ? NoAssistant : null, o => o with { NumAssistantTokens = null }),
        Idle("assistant_confidence_threshold", o => o.AssistantConfidenceThreshold is not null, o => o.AssistantModel is null ? NoAssistant : null, o => o with { AssistantConfidenceThreshold = null }),
        Idle("max_length", o => o.MaxLength is not null, o => o.MaxNewTokens is not null ? "beside max_new_tokens" : null, o => o with { MaxLength = null }),
        Idle("eos_token_id", o => o.EosTokenIds is not null, o => o.IgnoreEos ? "where end tokens are ignored" : null, o => o with { EosTokenIds = null }),
        Idle("renormalize_logits", o => o.RenormalizeLogits == true, o => o.Beams > 1 || o.OutputScores ? null : "without num_beams or output_scores", o => o with { RenormalizeLogits = null }),
        .. AboutTheEnd,
    ];

    /// <summary>Refuses a setting that would have no effect, and combinations that nothing is there for.</summary>
    /// <exception cref="ArgumentException">There is one; the message is one sentence.</exception>
    public static void ThrowIfIneffective(GenerationOptions options)
    {
        foreach (var rule in Rules)
            if (rule.Fault(options) is { } fault) throw new ArgumentException($"{fault}: {rule.Remedy}.", nameof(options));
    }

    /// <summary>Refuses settings about end tokens where there is none.</summary>
    /// <exception cref="ArgumentException">There is one; the message is one sentence.</exception>
    public static void ThrowIfEndless(GenerationOptions options, ImmutableArray<int> endIds)
    {
        if (endIds.IsEmpty && Array.Find(AboutTheEnd, rule => rule.IsSet(options)) is { } idle)
            throw new ArgumentException($"{idle.Name} {NoEnd}: {idle.Remedy}.", nameof(options));
    }

    /// <summary>Refuses token ids that the vocabulary does not have, and an assistant with another vocabulary.</summary>
    /// <exception cref="ArgumentException">There is one; the message is one sentence.</exception>
    public static void ThrowIfUnknownToken(GenerationOptions options, int vocabulary)
    {
        Check("sequence_bias", options.SequenceBias.SelectMany(bias => bias.Ids));
        Check("bad_words_ids", options.BadWordsIds.SelectMany(word => word));
        Check("suppress_tokens", options.SuppressTokens);
        Check("begin_suppress_tokens", options.BeginSuppressTokens);
        Check("forced_bos_token_id", options.ForcedBosTokenId is { } bos ? [bos] : []);
        Check("forced_eos_token_id", options.ForcedEosTokenIds);
        Check("eos_token_id", options.EosTokenIds ?? []);
        Check("stop_ids", options.StopIds);
        if (options.AssistantModel is { } assistant && assistant.Config.VocabSize != vocabulary)
            throw new ArgumentException($"assistant_model has a vocabulary of {assistant.Config.VocabSize} tokens and the model one of {vocabulary}: take an assistant with the model's tokenizer.", nameof(options));

        void Check(string name, IEnumerable<int> ids)
        {
            foreach (var id in ids)
                if (id >= vocabulary) throw new ArgumentException($"{name} holds token {id}, the vocabulary has {vocabulary}.", nameof(options));
        }
    }

    /// <summary>Refuses an assistant whose tokenizer is known and spells tokens otherwise than the model's.</summary>
    /// <exception cref="ArgumentException">It does; the message is one sentence.</exception>
    public static void ThrowIfOtherTokenizer(GenerationOptions options, Tokenizer tokenizer)
    {
        if (options.AssistantTokenizer is not { } assistant || tokenizer.FirstDifference(assistant) is not { } id) return;
        throw new ArgumentException(
            $"assistant_model has another tokenizer, token {id} is \"{Excerpt.Of(assistant.IdToToken(id)!)}\" there and \"{Excerpt.Of(tokenizer.IdToToken(id)!)}\" here: take an assistant with the model's tokenizer.",
            nameof(options));
    }

    /// <summary>Leaves out what has no effect and was not given by the caller.</summary>
    /// <param name="merged">A caller's options, filled up from a file.</param>
    /// <param name="given">The caller's options.</param>
    /// <param name="report">Told of each in one sentence.</param>
    public static GenerationOptions WithoutIneffective(GenerationOptions merged, GenerationOptions given, Action<string> report)
    {
        foreach (var rule in Rules)
        {
            if (rule.IsSet(given) || rule.Fault(merged) is not { } fault) continue;
            merged = rule.Without(merged);
            report($"{fault} and is left out.");
        }

        return merged;
    }

    // Only a setting of a file comes so far: of a caller's own, the other one was refused before.
    private static string? BesideBeams(GenerationOptions o) =>
        !o.StopStrings.IsEmpty ? "cannot be used with stop_strings" : o.Mirostat is > 0 ? "cannot be used with mirostat" : o.DraftTokens > 0 ? "cannot be used with assistant_model or prompt_lookup_num_tokens" : o.NumReturnSequences > o.Beams ? "is less than num_return_sequences" : null;

    private static Rule Idle(string name, Func<GenerationOptions, bool> isSet, Func<GenerationOptions, string?> reason, Func<GenerationOptions, GenerationOptions> without) =>
        new(name, isSet, o => reason(o) is { } why ? $"has no effect {why}" : null, without);

    // Whether the model has an end token is not known here; these options take every one away.
    private static Rule Ending(string name, Func<GenerationOptions, bool> isSet, Func<GenerationOptions, GenerationOptions> without) =>
        new(name, isSet, o => o.StopIds.IsEmpty && (o.IgnoreEos || o.EosTokenIds is { IsEmpty: true }) ? NoEnd : null, without, "leave it out, or give eos_token_id or stop ids");

    private static Rule Sampling(string name, Func<GenerationOptions, bool> isSet, Func<GenerationOptions, GenerationOptions> without) =>
        Idle(name, isSet, o => o.DoSample == true ? null : NoSampling, without);

    private static Rule Narrowing(string name, Func<GenerationOptions, bool> isSet, Func<GenerationOptions, GenerationOptions> without) =>
        Idle(name, isSet, o => o.DoSample != true ? NoSampling : o.Mirostat is > 0 ? "with mirostat" : null, without);

    private static Rule Guessing(string name, Func<GenerationOptions, bool> isSet, Func<GenerationOptions, GenerationOptions> without) =>
        new(name, isSet, o => o.Beams > 1 ? "cannot be used with num_beams" : o.NumReturnSequences is > 1 ? "cannot be used with num_return_sequences" : null, without, "leave it out, or ask for one sequence");

    /// <param name="Name">The setting.</param>
    /// <param name="IsSet">Whether it asks for anything.</param>
    /// <param name="Reason">What is wrong with it beside the others, a predicate; null if nothing is.</param>
    /// <param name="Without">The options without it.</param>
    /// <param name="Remedy">What a caller can do.</param>
    private sealed record Rule(
        string Name,
        Func<GenerationOptions, bool> IsSet,
        Func<GenerationOptions, string?> Reason,
        Func<GenerationOptions, GenerationOptions> Without,
        string Remedy = "leave it out, or change the other")
    {
        public string? Fault(GenerationOptions options) => IsSet(options) && Reason(options) is { } reason ? $"{Name} {reason}" : null;
    }
}
