using System.Collections.Immutable;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tests.Generation.Speculation;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Generation;

public class GenerationOptionsTests
{
    [Fact]
    public void Values_out_of_range_are_refused_by_the_names_of_transformers()
    {
        Refused("max_new_tokens", () => new GenerationOptions { MaxNewTokens = 0 });
        Refused("temperature", () => new GenerationOptions { Temperature = -0.1 });
        Refused("temperature", () => new GenerationOptions { Temperature = 0 });
        Refused("temperature", () => new GenerationOptions { Temperature = double.NaN });
        Refused("temperature", () => new GenerationOptions { Temperature = double.PositiveInfinity });
        Refused("top_k", () => new GenerationOptions { TopK = -1 });
        Refused("top_p", () => new GenerationOptions { TopP = 1.01 });
        Refused("top_p", () => new GenerationOptions { TopP = double.NaN });
        Refused("min_p", () => new GenerationOptions { MinP = -0.01 });
        Refused("typical_p", () => new GenerationOptions { TypicalP = 0 });
        Refused("mirostat", () => new GenerationOptions { Mirostat = 3 });
        Refused("early_stopping", () => new GenerationOptions { EarlyStopping = (EarlyStopping)7 });
        Refused("exponential_decay_length_penalty", () => new GenerationOptions { ExponentialDecayLengthPenalty = new(-1, 1.1) });
        Refused("sequence_bias", () => new GenerationOptions { SequenceBias = [new([1], double.NaN)] });
        Refused("stop_ids", () => new GenerationOptions { StopIds = [3, -1] });
        Assert.Throws<ArgumentException>(() => new GenerationOptions { BadWordsIds = [[]] });
        Assert.Throws<ArgumentException>(() => new GenerationOptions { StopStrings = [null!] });
        Assert.Empty(new GenerationOptions { StopIds = default, StopStrings = default, BadWordsIds = default }.StopIds);

        static void Refused(string name, Func<object> create) =>
            Assert.StartsWith(name + " must", Assert.Throws<ArgumentOutOfRangeException>(create).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_without_effect_are_refused_in_one_sentence()
    {
        Refused("temperature has no effect without do_sample", new() { Temperature = 0.5 });
        Refused("top_k has no effect without do_sample", new() { TopK = 5 });
        Refused("length_penalty has no effect without num_beams", new() { LengthPenalty = 2 });
        Refused("top_p has no effect with mirostat", new() { DoSample = true, Mirostat = 2, TopP = 0.5 });
        Refused("mirostat has no effect with num_beams", new() { DoSample = true, Mirostat = 2, NumBeams = 2 });
        Refused("xtc_threshold has no effect without xtc_probability", new() { DoSample = true, XtcThreshold = 0.2 });
        Refused("dry_base has no effect without dry_multiplier", new() { DryBase = 2 });
        Refused("max_length has no effect beside max_new_tokens", new() { MaxLength = 20, MaxNewTokens = 3 });
        Refused("num_return_sequences has no effect without", new() { NumReturnSequences = 2 });
        Refused("num_return_sequences is 3 and num_beams only 2", new() { NumReturnSequences = 3, NumBeams = 2 });
        Refused("renormalize_logits has no effect", new() { RenormalizeLogits = true });
        Refused("stop_strings cannot be used with num_beams", new() { NumBeams = 2, StopStrings = ["a"] });
        Refused("min_new_tokens has no effect where no token ends the text", new() { MinNewTokens = 2 });

        // Neutral values ask for nothing.
        _ = new Sampler(new() { Temperature = 1, TopK = 0, TopP = 1, LengthPenalty = 1, EarlyStopping = EarlyStopping.False, NumReturnSequences = 1, Mirostat = 0 });

        static void Refused(string message, GenerationOptions options) =>
            Assert.StartsWith(message, Assert.Throws<ArgumentException>(() => new Sampler(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_setting_fills_in_where_nothing_is_given_and_stays_where_it_is()
    {
        var settings = typeof(GenerationOptions).GetProperties().Where(property => property.CanWrite).ToArray();
        Assert.NotEmpty(settings);
        foreach (var setting in settings)
        {
            var options = new GenerationOptions();
            setting.SetValue(options, Sample(setting.PropertyType));
            Assert.NotEqual(setting.GetValue(new GenerationOptions()), setting.GetValue(options));
            Assert.Equal(options.ToString(), options.Under(new GenerationOptions()).ToString());
            Assert.Equal(setting.GetValue(options), setting.GetValue(options.Under(new GenerationOptions())));
            Assert.Equal(setting.GetValue(options), setting.GetValue(new GenerationOptions().Under(options)));
        }

        static object Sample(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
        {
            var t when t == typeof(int) => 1,
            var t when t == typeof(ulong) => 1UL,
            var t when t == typeof(double) => 1.0,
            var t when t == typeof(bool) => true,
            var t when t == typeof(EarlyStopping) => EarlyStopping.Never,
            var t when t == typeof(ExponentialDecay) => new ExponentialDecay(1, 2),
            var t when t == typeof(ImmutableArray<int>) => ImmutableArray.Create(1),
            var t when t == typeof(ImmutableArray<string>) => ImmutableArray.Create("a"),
            var t when t == typeof(ImmutableArray<SequenceBias>) => ImmutableArray.Create(new SequenceBias([1], 2)),
            var t when t == typeof(ImmutableArray<ImmutableArray<int>>) => ImmutableArray.Create(ImmutableArray.Create(1)),
            var t when t == typeof(ImmutableArray<ILogitsProcessor>) => ImmutableArray.Create<ILogitsProcessor>(new Unchanging()),
            var t when t == typeof(IModelRunner) => new WatchedModel(null!),
            var t when t == typeof(Tokenizer) => Tokenizer.FromFolder(Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m")),
            var t => throw new InvalidOperationException($"there is no sample of a {t}"),
        };
    }

    private sealed class Unchanging : ILogitsProcessor
    {
        public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
        {
        }
    }

    [Fact]
    public void The_length_is_20_with_the_prompt_unless_something_else_is_said()
    {
        Assert.Equal(15, new GenerationOptions().NewTokens(5));
        Assert.Equal(25, new GenerationOptions { MaxLength = 30 }.NewTokens(5));
        Assert.Equal(7, new GenerationOptions { MaxNewTokens = 7 }.NewTokens(500));
        Assert.Contains("max_new_tokens", Assert.Throws<ArgumentException>(() => new GenerationOptions().NewTokens(20)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void End_tokens_are_the_models_unless_others_are_given()
    {
        Assert.Equal([11], new GenerationOptions().EndIds([11]));
        Assert.Equal([5, 9], new GenerationOptions { EosTokenIds = [5], StopIds = [9] }.EndIds([11]));
        Assert.Equal([9], new GenerationOptions { IgnoreEos = true, StopIds = [9] }.EndIds([11]));
    }
}
