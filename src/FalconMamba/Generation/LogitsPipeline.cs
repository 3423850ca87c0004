using System.Collections.Immutable;
using FalconMamba.Generation.Filters;
using FalconMamba.Generation.Processors;

namespace FalconMamba.Generation;

/// <summary>
/// What the options make of logits, in transformers' order: first what looks at the tokens so far, then, for draws only, what
/// narrows the choice, last the normalisation. What llama.cpp adds stands beside its relatives.
/// </summary>
internal sealed class LogitsPipeline
{
    private const double DefaultXtcThreshold = 0.1;
    private const double DefaultDryBase = 1.75;
    private const int DefaultDryAllowedLength = 2;

    private readonly ILogitsProcessor[] _processors;
    private readonly ICandidateFilter[] _filters;

    /// <summary>The steps that the options switch on.</summary>
    /// <param name="options">The options, already checked.</param>
    /// <param name="endIds">What ends a text.</param>
    public LogitsPipeline(GenerationOptions options, ImmutableArray<int> endIds)
    {
        _processors = [.. Processors(options, endIds)];
        NeedsHistory = Array.Exists(_processors, LooksBack);
        _filters = options.DoSample == true ? [.. Filters(options, endIds)] : [];
        Renormalizes = options.RenormalizeLogits == true;
    }

    /// <summary>Whether a step looks at the tokens so far.</summary>
    public bool NeedsHistory { get; }

    /// <summary>Whether scores are log probabilities at the end.</summary>
    public bool Renormalizes { get; }

    /// <summary>Changes the logits in view of the tokens so far.</summary>
    public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
    {
        foreach (var processor in _processors) processor.Process(ids, promptLength, logits);
    }

    /// <summary>Narrows what can be drawn.</summary>
    public void Filter(Candidates candidates, in DrawPlace draw)
    {
        foreach (var filter in _filters) filter.Apply(candidates, draw);
    }

    // Of a caller's own it is not known, so they count as looking.
    private static bool LooksBack(ILogitsProcessor processor) => processor switch
    {
        SequenceBiasProcessor bias => bias.LooksBack,
        BadWordsProcessor words => words.LooksBack,
        SuppressTokensProcessor suppress => suppress.LooksBack,
        _ => true,
    };

    private static IEnumerable<ILogitsProcessor> Processors(GenerationOptions o, ImmutableArray<int> endIds)
    {
        if (!o.SequenceBias.IsEmpty) yield return new SequenceBiasProcessor(o.SequenceBias);
        if (o.RepetitionPenalty is { } repetition and not 1) yield return new RepetitionPenaltyProcessor(repetition);
        if ((o.FrequencyPenalty ?? 0, o.PresencePenalty ?? 0) is var (frequency, presence) && (frequency != 0 || presence != 0))
            yield return new CountPenaltyProcessor(frequency, presence);
        if (o.DryMultiplier is { } dry and > 0)
            yield return new DryProcessor(dry, o.DryBase ?? DefaultDryBase, o.DryAllowedLength ?? DefaultDryAllowedLength, o.DryPenaltyLastN ?? -1, o.DrySequenceBreakers);
        if (o.NoRepeatNgramSize is { } size and > 0) yield return new NoRepeatNgramProcessor(size);
        if (!o.BadWordsIds.IsEmpty) yield return new BadWordsProcessor(o.BadWordsIds, endIds);
        if (o.MinLength is { } length and > 0) yield return new MinimumLengthProcessor(length, countsPrompt: true, endIds);
        if (o.MinNewTokens is { } count and > 0) yield return new MinimumLengthProcessor(count, countsPrompt: false, endIds);
        if (o.ForcedBosTokenId is { } bos) yield return new ForcedBosProcessor(bos);
        if (!o.ForcedEosTokenIds.IsEmpty)
            yield return new ForcedEosProcessor(o.MaxNewTokens is null ? o.MaxLength ?? GenerationOptions.DefaultMaxLength : null, o.MaxNewTokens, o.ForcedEosTokenIds);
        if (o.ExponentialDecayLengthPenalty is { } decay) yield return new ExponentialDecayProcessor(decay, endIds);
        if (!o.SuppressTokens.IsEmpty) yield return new SuppressTokensProcessor(o.SuppressTokens);
        if (!o.BeginSuppressTokens.IsEmpty)
            yield return new SuppressTokensProcessor(o.BeginSuppressTokens, onlyBehindPrompt: true, skipsForcedBos: o.ForcedBosTokenId is not null);
        foreach (var processor in o.LogitsProcessors) yield return processor;
    }

    private static IEnumerable<ICandidateFilter> Filters(GenerationOptions o, ImmutableArray<int> endIds)
    {
        // Beams need a token that goes on beside every end token.
        var keep = o.Beams > 1 ? Math.Max(2, 1 + endIds.Length) : 1;
        var temperature = o.Temperature ?? 1;
        if (o.DynatempRange is { } range and > 0) yield return new DynamicTemperatureFilter(temperature, range, o.DynatempExponent ?? 1);
        else if (temperature != 1) yield return new TemperatureFilter(temperature);
        if (o.Mirostat is > 0) yield break;
        if (o.TopH is { } topH) yield return new TopHFilter(topH);
        if (o.TopNSigma is { } sigma and > 0) yield return new TopNSigmaFilter(sigma);
        if ((o.TopK ?? GenerationOptions.DefaultTopK) is var topK and > 0) yield return new TopKFilter(topK, keep);
        if (o.TopP is { } topP and < 1) yield return new TopPFilter(topP, keep);
        if (o.MinP is { } minP and > 0) yield return new MinPFilter(minP, keep);
        if (o.TypicalP is { } typical and < 1) yield return new TypicalFilter(typical, keep);
        if (o.EpsilonCutoff is { } epsilon and > 0) yield return new EpsilonCutoffFilter(epsilon, keep);
        if (o.EtaCutoff is { } eta and > 0) yield return new EtaCutoffFilter(eta, keep);
        if (o.XtcProbability is { } xtc and > 0) yield return new XtcFilter(xtc, o.XtcThreshold ?? DefaultXtcThreshold);
    }
}
