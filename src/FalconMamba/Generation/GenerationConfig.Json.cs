using System.Collections.Immutable;
using FalconMamba.Formats;

namespace FalconMamba.Generation;

// The file's keys.
public sealed partial record GenerationConfig
{
    // What transformers writes for "off" is no setting; null and false never are.
    private static readonly Dictionary<string, string[]> Off = new()
    {
        ["penalty_alpha"] = ["0", "0.0"],
        ["diversity_penalty"] = ["0", "0.0"],
        ["num_beam_groups"] = ["1"],
        ["guidance_scale"] = ["1", "1.0"],
        ["encoder_repetition_penalty"] = ["1", "1.0"],
        ["encoder_no_repeat_ngram_size"] = ["0"],
    };

    // No settings: where the file comes from, other tokens, what Python's call returns, and how a cache or an assistant model would be used.
    private static readonly HashSet<string> Bookkeeping =
    [
        "transformers_version", "_from_model_config", "_commit_hash", "bos_token_id", "pad_token_id", "decoder_start_token_id",
        "return_dict_in_generate", "output_attentions", "output_hidden_states", "output_scores", "output_logits",
        "use_cache", "cache_implementation", "cache_config", "return_legacy_cache", "num_assistant_tokens", "num_assistant_tokens_schedule",
        "assistant_confidence_threshold", "assistant_lookbehind", "target_lookbehind",
    ];

    private static readonly (string Key, Func<JsonFields, string, GenerationOptions, GenerationOptions> Read)[] Keys =
    [
        ("max_new_tokens", (f, key, o) => o with { MaxNewTokens = f.OptionalInt32(key) }),
        ("max_length", (f, key, o) => o with { MaxLength = f.OptionalInt32(key) }),
        ("min_new_tokens", (f, key, o) => o with { MinNewTokens = f.OptionalInt32(key) }),
        ("min_length", (f, key, o) => o with { MinLength = f.OptionalInt32(key) }),
        ("do_sample", (f, key, o) => o with { DoSample = f.Has(key) && f.Boolean(key, false) ? true : null }),
        ("num_return_sequences", (f, key, o) => o with { NumReturnSequences = f.OptionalInt32(key) }),
        ("num_beams", (f, key, o) => o with { NumBeams = f.OptionalInt32(key) }),
        ("length_penalty", (f, key, o) => o with { LengthPenalty = f.OptionalDouble(key) }),
        ("early_stopping", (f, key, o) => o with { EarlyStopping = EarlyStoppingOf(f, key) }),
        ("eos_token_id", (f, key, o) => o with { EosTokenIds = f.TokenIds(key, []) is { IsEmpty: false } ids ? ids : null }),
        ("stop_strings", (f, key, o) => o with { StopStrings = f.Strings(key) }),
        ("temperature", (f, key, o) => o with { Temperature = f.OptionalDouble(key) }),
        ("top_k", (f, key, o) => o with { TopK = f.OptionalInt32(key) }),
        ("top_p", (f, key, o) => o with { TopP = f.OptionalDouble(key) }),
        ("min_p", (f, key, o) => o with { MinP = f.OptionalDouble(key) }),
        ("typical_p", (f, key, o) => o with { TypicalP = f.OptionalDouble(key) }),
        ("epsilon_cutoff", (f, key, o) => o with { EpsilonCutoff = f.OptionalDouble(key) }),
        ("eta_cutoff", (f, key, o) => o with { EtaCutoff = f.OptionalDouble(key) }),
        ("top_h", (f, key, o) => o with { TopH = f.OptionalDouble(key) }),
        ("repetition_penalty", (f, key, o) => o with { RepetitionPenalty = f.OptionalDouble(key) }),
        ("no_repeat_ngram_size", (f, key, o) => o with { NoRepeatNgramSize = f.OptionalInt32(key) }),
        ("exponential_decay_length_penalty", (f, key, o) => o with { ExponentialDecayLengthPenalty = DecayOf(f, key) }),
        ("sequence_bias", (f, key, o) => o with { SequenceBias = [.. f.Pairs(key).Select(pair => new SequenceBias(pair.Ids, pair.Number))] }),
        ("bad_words_ids", (f, key, o) => o with { BadWordsIds = f.TokenIdLists(key) }),
        ("suppress_tokens", (f, key, o) => o with { SuppressTokens = f.TokenIds(key, []) }),
        ("begin_suppress_tokens", (f, key, o) => o with { BeginSuppressTokens = f.TokenIds(key, []) }),
        ("forced_bos_token_id", (f, key, o) => o with { ForcedBosTokenId = f.TokenId(key, null) }),
        ("forced_eos_token_id", (f, key, o) => o with { ForcedEosTokenIds = f.TokenIds(key, []) }),
        ("prompt_lookup_num_tokens", (f, key, o) => o with { PromptLookupNumTokens = f.OptionalInt32(key) }),
        ("max_matching_ngram_size", (f, key, o) => o with { MaxMatchingNgramSize = f.OptionalInt32(key) }),
        ("renormalize_logits", (f, key, o) => o with { RenormalizeLogits = f.Boolean(key, false) ? true : null }),
    ];

    /// <summary>Reads the text of a <c>generation_config.json</c>.</summary>
    /// <param name="json">The text, UTF-8.</param>
    /// <param name="fileName">Named in errors.</param>
    /// <exception cref="MalformedFileException">The text is no such configuration.</exception>
    public static GenerationConfig Parse(ReadOnlySpan<byte> json, string fileName)
    {
        var fields = JsonFields.Parse(json, fileName);
        var settings = new GenerationOptions();
        foreach (var (key, read) in Keys)
        {
            try
            {
                settings = read(fields, key, settings);
            }
            catch (ArgumentException e)
            {
                throw fields.Fault(key, e.Message.Split(" (Parameter", 2)[0].TrimEnd('.'), e);
            }
        }

        return new GenerationConfig
        {
            BosTokenId = fields.TokenId("bos_token_id", null),
            EosTokenIds = fields.TokenIds("eos_token_id", []),
            PadTokenId = fields.TokenId("pad_token_id", null),
            Settings = settings,
            Warnings = [.. Unsupported(fields).Select(static key => $"{FileName}: {Excerpt.Of(key)} is not supported and is left out.")],
        };
    }

    private static IEnumerable<string> Unsupported(JsonFields fields) =>
        (from field in fields.Raw()
         where field.Value is not ("null" or "false") && !(Off.TryGetValue(field.Key, out var off) && off.Contains(field.Value))
         select field.Key).Except(Keys.Select(static known => known.Key)).Except(Bookkeeping);

    private static EarlyStopping? EarlyStoppingOf(JsonFields fields, string key) => fields.IsString(key)
        ? fields.String(key) == "never" ? EarlyStopping.Never : throw fields.Fault(key, "true, false or \"never\" was expected")
        : fields.Raw(key) is null ? null : fields.Boolean(key, false) ? EarlyStopping.True : EarlyStopping.False;

    private static ExponentialDecay? DecayOf(JsonFields fields, string key) => fields.Numbers(key) is not { } numbers
        ? null
        : numbers is [var start and >= 0 and <= int.MaxValue, var factor] && start == Math.Floor(start)
            ? new ExponentialDecay((int)start, factor)
            : throw fields.Fault(key, "a start and a factor were expected");
}
