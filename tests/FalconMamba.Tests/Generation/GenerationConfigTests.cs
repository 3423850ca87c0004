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

    public static TheoryData<string, GenerationOptions, string> Conflicts => new()
    {
        { """{"min_new_tokens": 3}""", new() { IgnoreEos = true }, "min_new_tokens has no effect where no token ends the text" },
        { """{"min_length": 3}""", new() { IgnoreEos = true }, "min_length has no effect where no token ends the text" },
        { """{"min_length": 3}""", new() { EosTokenIds = [] }, "min_length has no effect where no token ends the text" },
        { """{"exponential_decay_length_penalty": [3, 1.1]}""", new() { IgnoreEos = true }, "exponential_decay_length_penalty has no effect where no token ends the text" },
        { """{"num_beams": 4}""", new() { StopStrings = ["a"] }, "num_beams cannot be used with stop_strings" },
        { """{"num_beams": 4}""", new() { DoSample = true, Mirostat = 2 }, "num_beams cannot be used with mirostat" },
        { """{"num_beams": 2, "do_sample": true}""", new() { NumReturnSequences = 3 }, "num_beams is less than num_return_sequences" },
        { """{"num_return_sequences": 4}""", new() { NumBeams = 2 }, "num_return_sequences is 4 and num_beams only 2; it asks for too many" },
        { """{"stop_strings": "a"}""", new() { NumBeams = 2 }, "stop_strings cannot be used with num_beams" },
    };

    [Theory]
    [MemberData(nameof(Conflicts), DisableDiscoveryEnumeration = true)]
    public void No_setting_of_the_file_makes_a_callers_call_fail(string json, GenerationOptions given, string fault)
    {
        var (options, warnings) = Parse(json).Complete(given);
        Assert.Equal($"generation_config.json: {fault} and is left out.", Assert.Single(warnings));
        _ = new Sampler(options, options.EndIds([11]));
    }

    [Fact]
    public void What_depends_on_a_setting_that_is_left_out_is_left_out_too()
    {
        var (options, warnings) = Parse("""{"num_beams": 4, "length_penalty": 2.0, "early_stopping": true}""").Complete(new() { StopStrings = ["a"] });
        Assert.Equal((null, null, null), (options.NumBeams, options.LengthPenalty, options.EarlyStopping));
        Assert.Equal(3, warnings.Length);
        _ = new Sampler(options);
    }

    [Fact]
    public void Keys_that_nothing_reads_are_reported()
    {
        var warnings = Parse("""
            {"_from_model_config": true, "transformers_version": "4.43.0", "use_cache": true, "bos_token_id": 1, "nothing": null, "off": false, "penalty_alpha": 0.0,
             "frequency_penalty": 0.5, "top\n_k": 1, "frequency_penalty": 0.6}
            """).Warnings;
        Assert.Equal(2, warnings.Length);
        Assert.Equal("generation_config.json: frequency_penalty is not supported and is left out.", warnings[0]);
        Assert.DoesNotContain('\n', warnings[1]);
        Assert.Throws<MalformedFileException>(() => Parse("""{"\ud800": 1}"""));
    }

    [Fact]
    public void Every_form_of_a_value_is_read()
    {
        var options = Parse("""
            {"early_stopping": "never", "num_beams": 4, "bad_words_ids": [[1], [2, 3]], "sequence_bias": [[[4, 5], -1.5]], "forced_eos_token_id": 7,
             "exponential_decay_length_penalty": [5, 1.01], "suppress_tokens": null}
            """).Complete().Options;
        Assert.Equal((EarlyStopping.Never, 4, new ExponentialDecay(5, 1.01)), (options.EarlyStopping, options.NumBeams, options.ExponentialDecayLengthPenalty));
        Assert.Equal([2, 3], options.BadWordsIds[1]);
        Assert.Equal(-1.5, options.SequenceBias[0].Bias);
        Assert.Equal([7], options.ForcedEosTokenIds);
        Assert.Equal(["END"], Parse("""{"stop_strings": "END"}""").Complete().Options.StopStrings);
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
