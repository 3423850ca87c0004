using System.Collections.Immutable;
using FalconMamba.Formats;

namespace FalconMamba.Generation;

/// <summary>
/// What a checkpoint's <c>generation_config.json</c> says about generating: its special tokens and, rarely, sampling
/// settings. What the file does not mention is null or empty.
/// </summary>
public sealed record GenerationConfig
{
    // The settings transformers samples with where the file says do_sample and nothing else.
    private const double DefaultTemperature = 1;
    private const int DefaultTopK = 50;

    /// <summary>The token that begins a text.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>The tokens that end a text; written as one number or an array.</summary>
    public ImmutableArray<int> EosTokenIds { get; init; } = [];

    /// <summary>The token for padding.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>Whether tokens are drawn rather than the likeliest taken.</summary>
    public bool DoSample { get; init; }

    /// <summary>Divisor of the logits.</summary>
    public double? Temperature { get; init; }

    /// <summary>How many of the likeliest tokens are kept; 0 keeps all.</summary>
    public int? TopK { get; init; }

    /// <summary>Probability mass of the likeliest tokens that is kept.</summary>
    public double? TopP { get; init; }

    /// <summary>Least probability that is kept, as a fraction of the largest.</summary>
    public double? MinP { get; init; }

    /// <summary>Divisor of the logits of tokens seen before.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>How many tokens are generated at most.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>How long prompt and output are at most.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Reads a <c>generation_config.json</c>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="MalformedFileException">The file is no such configuration.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static GenerationConfig FromFile(string path) => Parse(JsonFields.ReadFile(path), path);

    /// <summary>Reads the text of a <c>generation_config.json</c>.</summary>
    /// <param name="json">The text, UTF-8.</param>
    /// <param name="fileName">Named in errors.</param>
    /// <exception cref="MalformedFileException">The text is no such configuration.</exception>
    public static GenerationConfig Parse(ReadOnlySpan<byte> json, string fileName)
    {
        var fields = JsonFields.Parse(json, fileName);
        return new GenerationConfig
        {
            BosTokenId = fields.TokenId("bos_token_id", null),
            EosTokenIds = fields.TokenIds("eos_token_id", []),
            PadTokenId = fields.TokenId("pad_token_id", null),
            DoSample = fields.Boolean("do_sample", false),
            Temperature = Real("temperature", 0, float.MaxValue),
            TopK = Whole("top_k", 0),
            TopP = Real("top_p", 0, 1),
            MinP = Real("min_p", 0, 1),
            RepetitionPenalty = Real("repetition_penalty", double.Epsilon, float.MaxValue),
            MaxNewTokens = Whole("max_new_tokens", 1),
            MaxLength = Whole("max_length", 1),
        };

        double? Real(string key, double least, double most) => fields.OptionalDouble(key) is not { } value || (value >= least && value <= most)
            ? fields.OptionalDouble(key)
            : throw fields.Fault(key, $"a number from {least:R} to {most:R} was expected, found {value:R}");

        int? Whole(string key, int least) => fields.OptionalInt32(key) is not { } value || value >= least
            ? fields.OptionalInt32(key)
            : throw fields.Fault(key, $"a whole number from {least} was expected, found {value}");
    }

    /// <summary>
    /// The options this configuration asks for: greedy unless it says <c>do_sample</c>, with transformers' defaults for
    /// what a sampling configuration leaves out. End tokens are the model's affair and stay here.
    /// </summary>
    public GenerationOptions ToOptions()
    {
        var options = new GenerationOptions();
        if (MaxNewTokens is { } most) options = options with { MaxNewTokens = most };
        return !DoSample
            ? options
            : options with { Temperature = Temperature ?? DefaultTemperature, TopK = TopK ?? DefaultTopK, TopP = TopP ?? 1, MinP = MinP ?? 0 };
    }
}
