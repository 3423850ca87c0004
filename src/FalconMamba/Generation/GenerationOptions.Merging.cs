using System.Collections.Immutable;

namespace FalconMamba.Generation;

// One set of options over another.
public sealed partial record GenerationOptions
{
    /// <summary>Other options, with these where the others do not say anything.</summary>
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
            NumReturnSequences = over.NumReturnSequences ?? NumReturnSequences,
            NumBeams = over.NumBeams ?? NumBeams,
            LengthPenalty = over.LengthPenalty ?? LengthPenalty,
            EarlyStopping = over.EarlyStopping ?? EarlyStopping,
            EosTokenIds = over.EosTokenIds ?? (over.IgnoreEos ? null : EosTokenIds),
            StopStrings = Or(over.StopStrings, StopStrings),
            Temperature = over.Temperature ?? Temperature,
            TopK = over.TopK ?? TopK,
            TopP = over.TopP ?? TopP,
            MinP = over.MinP ?? MinP,
            TypicalP = over.TypicalP ?? TypicalP,
            EpsilonCutoff = over.EpsilonCutoff ?? EpsilonCutoff,
            EtaCutoff = over.EtaCutoff ?? EtaCutoff,
            TopH = over.TopH ?? TopH,
            RepetitionPenalty = over.RepetitionPenalty ?? RepetitionPenalty,
            NoRepeatNgramSize = over.NoRepeatNgramSize ?? NoRepeatNgramSize,
            ExponentialDecayLengthPenalty = over.ExponentialDecayLengthPenalty ?? ExponentialDecayLengthPenalty,
            SequenceBias = Or(over.SequenceBias, SequenceBias),
            BadWordsIds = Or(over.BadWordsIds, BadWordsIds),
            SuppressTokens = Or(over.SuppressTokens, SuppressTokens),
            BeginSuppressTokens = Or(over.BeginSuppressTokens, BeginSuppressTokens),
            ForcedBosTokenId = over.ForcedBosTokenId ?? ForcedBosTokenId,
            ForcedEosTokenIds = Or(over.ForcedEosTokenIds, ForcedEosTokenIds),
            RenormalizeLogits = over.RenormalizeLogits ?? RenormalizeLogits,
        };
    }

    private static ImmutableArray<T> Or<T>(ImmutableArray<T> first, ImmutableArray<T> second) => first.IsEmpty ? second : first;
}
