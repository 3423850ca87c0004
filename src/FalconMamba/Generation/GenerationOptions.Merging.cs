using System.Collections.Immutable;

namespace FalconMamba.Generation;

// One set of options over another.
public sealed partial record GenerationOptions
{
    /// <summary>Other options, with these where the others do not say anything.</summary>
    /// <remarks>What has no "not given" is not given where it is false, empty or 0.</remarks>
    /// <param name="over">What counts first.</param>
    internal GenerationOptions Under(GenerationOptions over)
    {
        // Two lengths say the same thing: who gives one of them wants no other.
        var hasLength = over.MaxNewTokens is not null || over.MaxLength is not null;
        return over with
        {
            MaxNewTokens = hasLength ? over.MaxNewTokens : MaxNewTokens,
            MaxLength = hasLength ? over.MaxLength : MaxLength,
            MinNewTokens = over.MinNewTokens ?? MinNewTokens,
            MinLength = over.MinLength ?? MinLength,
            DoSample = over.DoSample ?? DoSample,
            Seed = over.Seed != 0 ? over.Seed : Seed,
            NumReturnSequences = over.NumReturnSequences ?? NumReturnSequences,
            NumBeams = over.NumBeams ?? NumBeams,
            LengthPenalty = over.LengthPenalty ?? LengthPenalty,
            EarlyStopping = over.EarlyStopping ?? EarlyStopping,
            EosTokenIds = over.EosTokenIds ?? (over.IgnoreEos ? null : EosTokenIds),
            StopIds = Or(over.StopIds, StopIds),
            StopStrings = Or(over.StopStrings, StopStrings),
            IgnoreEos = over.IgnoreEos || (over.EosTokenIds is null && IgnoreEos),
            Logprobs = over.Logprobs ?? Logprobs,
            OutputScores = over.OutputScores || OutputScores,
            OutputLogits = over.OutputLogits || OutputLogits,
            Temperature = over.Temperature ?? Temperature,
            TopK = over.TopK ?? TopK,
            TopP = over.TopP ?? TopP,
            MinP = over.MinP ?? MinP,
            TypicalP = over.TypicalP ?? TypicalP,
            EpsilonCutoff = over.EpsilonCutoff ?? EpsilonCutoff,
            EtaCutoff = over.EtaCutoff ?? EtaCutoff,
            TopH = over.TopH ?? TopH,
            TopNSigma = over.TopNSigma ?? TopNSigma,
            XtcProbability = over.XtcProbability ?? XtcProbability,
            XtcThreshold = over.XtcThreshold ?? XtcThreshold,
            DynatempRange = over.DynatempRange ?? DynatempRange,
            DynatempExponent = over.DynatempExponent ?? DynatempExponent,
            Mirostat = over.Mirostat ?? Mirostat,
            MirostatTau = over.MirostatTau ?? MirostatTau,
            MirostatEta = over.MirostatEta ?? MirostatEta,
            RepetitionPenalty = over.RepetitionPenalty ?? RepetitionPenalty,
            FrequencyPenalty = over.FrequencyPenalty ?? FrequencyPenalty,
            PresencePenalty = over.PresencePenalty ?? PresencePenalty,
            NoRepeatNgramSize = over.NoRepeatNgramSize ?? NoRepeatNgramSize,
            ExponentialDecayLengthPenalty = over.ExponentialDecayLengthPenalty ?? ExponentialDecayLengthPenalty,
            DryMultiplier = over.DryMultiplier ?? DryMultiplier,
            DryBase = over.DryBase ?? DryBase,
            DryAllowedLength = over.DryAllowedLength ?? DryAllowedLength,
            DryPenaltyLastN = over.DryPenaltyLastN ?? DryPenaltyLastN,
            DrySequenceBreakers = Or(over.DrySequenceBreakers, DrySequenceBreakers),
            SequenceBias = Or(over.SequenceBias, SequenceBias),
            BadWordsIds = Or(over.BadWordsIds, BadWordsIds),
            SuppressTokens = Or(over.SuppressTokens, SuppressTokens),
            BeginSuppressTokens = Or(over.BeginSuppressTokens, BeginSuppressTokens),
            ForcedBosTokenId = over.ForcedBosTokenId ?? ForcedBosTokenId,
            ForcedEosTokenIds = Or(over.ForcedEosTokenIds, ForcedEosTokenIds),
            RenormalizeLogits = over.RenormalizeLogits ?? RenormalizeLogits,
            PromptLookupNumTokens = over.PromptLookupNumTokens ?? PromptLookupNumTokens,
            MaxMatchingNgramSize = over.MaxMatchingNgramSize ?? MaxMatchingNgramSize,
            AssistantModel = over.AssistantModel ?? AssistantModel,
            AssistantTokenizer = over.AssistantTokenizer ?? AssistantTokenizer,
            NumAssistantTokens = over.NumAssistantTokens ?? NumAssistantTokens,
            AssistantConfidenceThreshold = over.AssistantConfidenceThreshold ?? AssistantConfidenceThreshold,
            LogitsProcessors = Or(over.LogitsProcessors, LogitsProcessors),
        };
    }

    private static ImmutableArray<T> Or<T>(ImmutableArray<T> first, ImmutableArray<T> second) => first.IsEmpty ? second : first;
}
