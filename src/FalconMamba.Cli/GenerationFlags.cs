using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using FalconMamba.Generation;

namespace FalconMamba.Cli;

/// <summary>
/// The options of <c>generate</c> that say how tokens are chosen, under transformers' names in kebab case. Only what the user
/// gives is set, so that a checkpoint's own settings fill in the rest.
/// </summary>
internal sealed class GenerationFlags
{
    /// <summary>The temperature where neither a prompt nor how to choose is given.</summary>
    public const double DefaultPromptTemperature = 0.8;

    private readonly List<(Option Option, Func<ParseResult, GenerationOptions, GenerationOptions> Apply)> _flags = [];

    /// <param name="command">The verb that gets the options.</param>
    public GenerationFlags(Command command)
    {
        Whole("--max-length", 1, "N", "Generate until prompt and text have N tokens together; not beside -n.", (o, v) => o with { MaxLength = v });
        Whole("--min-new-tokens", 0, "N", "No end token before N tokens are generated.", (o, v) => o with { MinNewTokens = v });
        Whole("--min-length", 0, "N", "No end token before prompt and text have N tokens together.", (o, v) => o with { MinLength = v });
        Switch("--do-sample", "Draw tokens; a --temperature above 0 says so too.", (o, v) => o with { DoSample = v });
        Number("--temperature", 0, float.MaxValue, "T", FormattableString.Invariant($"Draw with this temperature; 0 takes the likeliest token. Without a prompt it is {DefaultPromptTemperature}."), WithTemperature);
        Whole("--top-k", 0, "K", $"Draw from the K likeliest tokens only; 0 for all, {GenerationOptions.DefaultTopK} by default.", (o, v) => o with { TopK = v });
        Number("--top-p", 0, 1, "P", "Draw from the likeliest tokens that have the probability P together.", (o, v) => o with { TopP = v });
        Number("--min-p", 0, 1, "M", "Draw only from tokens at least M times as likely as the likeliest.", (o, v) => o with { MinP = v });
        Number("--typical-p", 0, 1, "P", "Draw from the tokens of the most typical surprise that have the probability P together.", (o, v) => o with { TypicalP = v });
        Number("--epsilon-cutoff", 0, 1, "E", "Draw only from tokens of at least this probability.", (o, v) => o with { EpsilonCutoff = v });
        Number("--eta-cutoff", 0, 1, "E", "The same, lower where the model is unsure.", (o, v) => o with { EtaCutoff = v });
        Number("--top-h", 0, 1, "H", "Draw from the likeliest tokens that make up this share of the entropy.", (o, v) => o with { TopH = v });
        Number("--top-n-sigma", 0, float.MaxValue, "N", "Draw only from logits within N standard deviations of the largest.", (o, v) => o with { TopNSigma = v });
        Number("--xtc-probability", 0, 1, "P", "How often the top choices are excluded.", (o, v) => o with { XtcProbability = v });
        Number("--xtc-threshold", 0, 1, "P", "What counts as a top choice; 0.1 by default.", (o, v) => o with { XtcThreshold = v });
        Number("--dynatemp-range", 0, float.MaxValue, "R", "How far the temperature follows the entropy.", (o, v) => o with { DynatempRange = v });
        Number("--dynatemp-exponent", 0, float.MaxValue, "X", "The power it follows by; 1 by default.", (o, v) => o with { DynatempExponent = v });
        Whole("--mirostat", 0, "V", "Steer the surprise of the text: version 1 or 2, 0 is off.", (o, v) => o with { Mirostat = v }, 2);
        Number("--mirostat-tau", 0, float.MaxValue, "T", "The surprise it aims at, in bits; 5 by default.", (o, v) => o with { MirostatTau = v });
        Number("--mirostat-eta", 0, float.MaxValue, "E", "How fast it learns; 0.1 by default.", (o, v) => o with { MirostatEta = v });
        Number("--repetition-penalty", 0, float.MaxValue, "P", "Above 1, tokens of prompt and text become less likely.", (o, v) => o with { RepetitionPenalty = v });
        Number("--frequency-penalty", float.MinValue, float.MaxValue, "P", "Subtract P for each time a token was generated.", (o, v) => o with { FrequencyPenalty = v });
        Number("--presence-penalty", float.MinValue, float.MaxValue, "P", "Subtract P if a token was generated.", (o, v) => o with { PresencePenalty = v });
        Whole("--no-repeat-ngram-size", 0, "N", "No sequence of N tokens comes twice.", (o, v) => o with { NoRepeatNgramSize = v });
        Number("--dry-multiplier", 0, float.MaxValue, "M", "Hold back tokens that go on with a repetition.", (o, v) => o with { DryMultiplier = v });
        Number("--dry-base", 1, float.MaxValue, "B", "How fast that grows with its length; 1.75 by default.", (o, v) => o with { DryBase = v });
        Whole("--dry-allowed-length", 1, "N", "The longest repetition that costs nothing; 2 by default.", (o, v) => o with { DryAllowedLength = v });
        Whole("--dry-penalty-last-n", -1, "N", "Search the last N tokens only; -1, the default, for all.", (o, v) => o with { DryPenaltyLastN = v });
        Ids("--dry-sequence-breakers", "Tokens that no repetition reaches across.", (o, v) => o with { DrySequenceBreakers = v });
        Text("--exponential-decay-length-penalty", "START,FACTOR", "Behind START tokens, end tokens become likelier by FACTOR a token.", Decay);
        Texts("--sequence-bias", "IDS=BIAS", "Add BIAS to the last of these tokens behind the others; may be given several times.", (o, v) => o with { SequenceBias = [.. v.Select(Bias)] });
        Texts("--bad-words-ids", "IDS", "These tokens never come one behind the other; may be given several times.", (o, v) => o with { BadWordsIds = [.. v.Select(text => IdsOf("--bad-words-ids", text))] });
        Ids("--suppress-tokens", "Tokens that never come.", (o, v) => o with { SuppressTokens = v });
        Ids("--begin-suppress-tokens", "Tokens that never come first.", (o, v) => o with { BeginSuppressTokens = v });
        Whole("--forced-bos-token-id", 0, "ID", "The token behind a prompt of one token.", (o, v) => o with { ForcedBosTokenId = v });
        Ids("--forced-eos-token-id", "The token that comes last where the greatest length is reached.", (o, v) => o with { ForcedEosTokenIds = v });
        Switch("--renormalize-logits", "With beams: make scores log probabilities again after all settings.", (o, v) => o with { RenormalizeLogits = v });
        Whole("--num-beams", 1, "N", "Search with N beams.", (o, v) => o with { NumBeams = v });
        Number("--length-penalty", float.MinValue, float.MaxValue, "P", "Above 0 it favours long beams, below 0 short ones; 1 by default.", (o, v) => o with { LengthPenalty = v });
        Text("--early-stopping", "true|false|never", "When a beam search ends; false by default.", (o, v) => o with { EarlyStopping = Stopping(v) });
        Whole("--num-return-sequences", 1, "N", "Give N texts: drawn ones, or the best beams.", (o, v) => o with { NumReturnSequences = v });
        Whole("--prompt-lookup-num-tokens", 1, "N", "Guess that the text goes on as where its last tokens stood before, N tokens ahead at most; the text stays the same (BF16 weights from N = 7 on: with --deterministic).", (o, v) => o with { PromptLookupNumTokens = v }, GenerationOptions.MostDraftTokens);
        _flags[^1].Option.Aliases.Add("--prompt-lookup");
        Whole("--max-matching-ngram-size", 1, "N", $"Look up the last N tokens at most; {GenerationOptions.DefaultMaxMatchingNgramSize} by default.", (o, v) => o with { MaxMatchingNgramSize = v });
        Whole("--num-assistant-tokens", 1, "N", $"Let the assistant model guess N tokens ahead at most; {GenerationOptions.DefaultNumAssistantTokens} by default.", (o, v) => o with { NumAssistantTokens = v }, GenerationOptions.MostDraftTokens);
        Number("--assistant-confidence-threshold", 0, 1, "P", FormattableString.Invariant($"Let it stop behind a token that it held for less likely; {GenerationOptions.DefaultAssistantConfidenceThreshold} by default."), (o, v) => o with { AssistantConfidenceThreshold = v });
        Whole("--logprobs", 0, "N", "With --json: tell the log probability of each token, and of the N likeliest.", (o, v) => o with { Logprobs = v });
        foreach (var (option, _) in _flags) command.Add(option);
    }

    /// <summary>What the user gave, over other options.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="options">What is given elsewhere.</param>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public GenerationOptions Read(ParseResult parse, GenerationOptions options)
    {
        try
        {
            foreach (var (option, apply) in _flags)
                if (parse.Has(option)) options = apply(parse, options);
            return options;
        }
        catch (ArgumentException e)
        {
            throw new UsageException(Failure.Sentence(e.Message));
        }
    }

    /// <summary>Whether the user gave an option.</summary>
    public bool Has(ParseResult parse, string name) => _flags.Exists(flag => flag.Option.Name == name && parse.Has(flag.Option));

    // The flag's own rule since the first version; do_sample need not be said.
    private static GenerationOptions WithTemperature(GenerationOptions options, double temperature) => temperature == 0
        ? options.DoSample == true ? throw new UsageException("--temperature 0 takes the likeliest token and --do-sample draws: give one of them") : options with { DoSample = false }
        : options with { DoSample = options.DoSample ?? true, Temperature = temperature };

    private static EarlyStopping Stopping(string text) => text switch
    {
        "true" => EarlyStopping.True,
        "false" => EarlyStopping.False,
        "never" => EarlyStopping.Never,
        _ => throw new UsageException($"--early-stopping takes true, false or never, \"{text}\" was given"),
    };

    private static GenerationOptions Decay(GenerationOptions options, string text) =>
        text.Split(',') is [var start, var factor] && int.TryParse(start, NumberStyles.None, CultureInfo.InvariantCulture, out var from) && Real(factor) is { } by
            ? options with { ExponentialDecayLengthPenalty = new ExponentialDecay(from, by) }
            : throw new UsageException($"--exponential-decay-length-penalty takes a start and a factor such as 20,1.05, \"{text}\" was given");

    private static SequenceBias Bias(string text) =>
        text.LastIndexOf('=') is > 0 and var at && Real(text[(at + 1)..]) is { } bias
            ? new SequenceBias(IdsOf("--sequence-bias", text[..at]), bias)
            : throw new UsageException($"--sequence-bias takes token ids and a number such as 5,7=-2, \"{text}\" was given");

    private static double? Real(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static ImmutableArray<int> IdsOf(string name, string text) => IdList.TryParse(text, out var wrong) is { Length: > 0 } ids
        ? [.. ids]
        : throw new UsageException($"{name} takes token ids such as 5,7, \"{wrong ?? text}\" was given");

    private void Whole(string name, int least, string helpName, string description, Func<GenerationOptions, int, GenerationOptions> apply, int most = int.MaxValue)
    {
        var option = CommonOptions.Int32(least, most, null, name).Describe(helpName, description);
        _flags.Add((option, (parse, options) => apply(options, parse.GetValue(option))));
    }

    private void Number(string name, double least, double most, string helpName, string description, Func<GenerationOptions, double, GenerationOptions> apply)
    {
        var option = CommonOptions.Double(least, most, 0, name).Describe(helpName, description);
        option.DefaultValueFactory = null;
        _flags.Add((option, (parse, options) => apply(options, parse.GetValue(option))));
    }

    private void Switch(string name, string description, Func<GenerationOptions, bool, GenerationOptions> apply)
    {
        var option = new Option<bool>(name) { Description = description };
        _flags.Add((option, (parse, options) => apply(options, parse.GetValue(option))));
    }

    private void Text(string name, string helpName, string description, Func<GenerationOptions, string, GenerationOptions> apply)
    {
        var option = new Option<string>(name) { HelpName = helpName, Description = description };
        _flags.Add((option, (parse, options) => apply(options, parse.GetValue(option)!)));
    }

    private void Texts(string name, string helpName, string description, Func<GenerationOptions, string[], GenerationOptions> apply)
    {
        var option = new Option<string[]>(name) { HelpName = helpName, Description = description };
        _flags.Add((option, (parse, options) => apply(options, parse.GetValue(option)!)));
    }

    private void Ids(string name, string description, Func<GenerationOptions, ImmutableArray<int>, GenerationOptions> apply) =>
        Text(name, "IDS", description, (options, text) => apply(options, IdsOf(name, text)));
}
