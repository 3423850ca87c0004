using System.Text;
using FalconMamba.Generation;

namespace FalconMamba.Tests.Generation;

public class GenerationConfigTests
{
    [Fact]
    public void Settings_become_options()
    {
        var (options, warnings) = Parse("""{"do_sample": true, "temperature": 0.6, "top_p": 0.9, "top_k": 20, "min_p": 0.05, "max_new_tokens": 77, "eos_token_id": [11, 10]}""").Complete();
        Assert.Equal((0.6, 0.9, 20, 0.05, 77), (options.Temperature, options.TopP, options.TopK, options.MinP, options.MaxNewTokens));
        Assert.Equal([11, 10], options.EosTokenIds!.Value);
        Assert.Empty(warnings);
    }

    [Fact]
    public void What_the_caller_gives_counts_first()
    {
        var config = Parse("""{"do_sample": true, "temperature": 0.6, "max_length": 30, "eos_token_id": 3, "repetition_penalty": 1.2}""");
        var (options, warnings) = config.Complete(new() { Temperature = 0.9, MaxNewTokens = 5, EosTokenIds = [4] });
        Assert.Equal((true, 0.9, 5, null, 1.2), (options.DoSample, options.Temperature, options.MaxNewTokens, options.MaxLength, options.RepetitionPenalty));
        Assert.Equal([4], options.EosTokenIds!.Value);
        Assert.Empty(warnings);
    }

    [Fact]
    public void Settings_of_the_file_without_effect_are_reported_and_left_out()
    {
        var (options, warnings) = Parse("""{"temperature": 0.6, "top_k": 20, "length_penalty": 2.0, "penalty_alpha": 0.6, "num_beam_groups": 1}""").Complete();
        Assert.Equal((null, null, null), (options.Temperature, options.TopK, options.LengthPenalty));
        Assert.Equal(4, warnings.Length);
        Assert.Contains("generation_config.json: temperature has no effect without do_sample and is left out.", warnings);
        Assert.Contains("generation_config.json: penalty_alpha is not supported and is left out.", warnings);
        _ = new Sampler(options);

        // The caller's own stay and are refused.
        var (given, none) = Parse("{}").Complete(new() { Temperature = 0.5 });
        Assert.Empty(none);
        Assert.Throws<ArgumentException>(() => new Sampler(given));
        Assert.Single(Parse("""{"do_sample": true, "top_p": 0.5}""").Complete(new() { DoSample = false }).Warnings);
    }

    [Fact]
    public void Every_form_of_a_value_is_read()
    {
        var options = Parse("""
            {"early_stopping": "never", "num_beams": 4, "bad_words_ids": [[1], [2, 3]], "sequence_bias": [[[4, 5], -1.5]], "forced_eos_token_id": 7,
             "exponential_decay_length_penalty": [5, 1.01], "stop_strings": "END", "suppress_tokens": null}
            """).Complete().Options;
        Assert.Equal((EarlyStopping.Never, 4, new ExponentialDecay(5, 1.01)), (options.EarlyStopping, options.NumBeams, options.ExponentialDecayLengthPenalty));
        Assert.Equal([2, 3], options.BadWordsIds[1]);
        Assert.Equal(-1.5, options.SequenceBias[0].Bias);
        Assert.Equal([7], options.ForcedEosTokenIds);
        Assert.Equal(["END"], options.StopStrings);
        Assert.Equal(EarlyStopping.True, Parse("""{"early_stopping": true, "num_beams": 2}""").Complete().Options.EarlyStopping);
    }

    [Fact]
    public void What_is_absent_is_nothing()
    {
        var config = Parse("{}");
        Assert.Null(config.BosTokenId);
        Assert.Null(config.PadTokenId);
        Assert.Empty(config.EosTokenIds);
        Assert.Equal(new GenerationOptions().ToString(), config.Complete().Options.ToString());
    }

    [Theory]
    [InlineData("""{"temperature": -1}""", "temperature")]
    [InlineData("""{"top_p": 1.5}""", "top_p")]
    [InlineData("""{"min_p": "x"}""", "min_p")]
    [InlineData("""{"top_k": -5}""", "top_k")]
    [InlineData("""{"max_new_tokens": 0}""", "max_new_tokens")]
    [InlineData("""{"bos_token_id": [1]}""", "bos_token_id")]
    [InlineData("""{"early_stopping": "sometimes"}""", "early_stopping")]
    [InlineData("""{"bad_words_ids": [1]}""", "bad_words_ids")]
    [InlineData("""{"bad_words_ids": [[]]}""", "bad_words_ids")]
    [InlineData("""{"sequence_bias": [[[1]]]}""", "sequence_bias")]
    [InlineData("""{"exponential_decay_length_penalty": [1.5, 2]}""", "exponential_decay_length_penalty")]
    [InlineData("""{"stop_strings": [1]}""", "stop_strings")]
    public void Values_out_of_range_are_refused_by_key(string json, string key) =>
        Assert.Equal(key, Assert.Throws<MalformedFileException>(() => Parse(json)).Place);

    private static GenerationConfig Parse(string json) => GenerationConfig.Parse(Encoding.UTF8.GetBytes(json), "generation_config.json");
}
