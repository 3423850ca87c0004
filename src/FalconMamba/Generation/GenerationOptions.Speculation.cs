using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Generation;

// Tokens that are guessed ahead and verified together: faster, with the same distribution.
public sealed partial record GenerationOptions
{
    /// <summary>How many tokens an assistant drafts at most where nothing else is said.</summary>
    public const int DefaultNumAssistantTokens = 4;

    /// <summary>How likely a drafted token must be for the assistant to go on where nothing else is said.</summary>
    public const double DefaultAssistantConfidenceThreshold = 0.4;

    /// <summary>The longest sequence that is looked up where nothing else is said.</summary>
    public const int DefaultMaxMatchingNgramSize = 2;

    /// <summary>The most tokens that are verified at once.</summary>
    public const int MostDraftTokens = 64;

    /// <summary>
    /// Guesses that the text goes on as it did where its last tokens stood before, for at most so many tokens
    /// (<c>prompt_lookup_num_tokens</c>).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not from 1 to <see cref="MostDraftTokens"/>.</exception>
    public int? PromptLookupNumTokens { get; init => field = Setting.From(value, 1, "prompt_lookup_num_tokens", MostDraftTokens); }

    /// <summary>How many of the last tokens are looked up at most (<c>max_matching_ngram_size</c>), 2 by default; fewer where they are not found.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int? MaxMatchingNgramSize { get; init => field = Setting.From(value, 1, "max_matching_ngram_size"); }

    /// <summary>
    /// A small model with the same vocabulary that guesses how the text goes on (<c>assistant_model</c>). It stays the caller's
    /// to dispose.
    /// </summary>
    public IModelRunner? AssistantModel { get; init; }

    /// <summary>
    /// The assistant's tokenizer (<c>assistant_tokenizer</c>), where it is known: one that spells tokens otherwise than the model's
    /// is refused wherever text is made and that one is known too. None of what it guesses would come true.
    /// </summary>
    public Tokenizer? AssistantTokenizer { get; init; }

    /// <summary>How many tokens the assistant drafts at most (<c>num_assistant_tokens</c>), 4 by default; fewer where they are not accepted.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not from 1 to <see cref="MostDraftTokens"/>.</exception>
    public int? NumAssistantTokens { get; init => field = Setting.From(value, 1, "num_assistant_tokens", MostDraftTokens); }

    /// <summary>Behind a token that the assistant held for less likely than this it drafts no more (<c>assistant_confidence_threshold</c>), 0.4 by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not from 0 to 1.</exception>
    public double? AssistantConfidenceThreshold { get; init => field = Setting.From(value, 0, 1, "assistant_confidence_threshold"); }

    /// <summary>How many tokens are guessed ahead at most; 0 for none.</summary>
    internal int DraftTokens => AssistantModel is not null ? NumAssistantTokens ?? DefaultNumAssistantTokens : PromptLookupNumTokens ?? 0;
}
