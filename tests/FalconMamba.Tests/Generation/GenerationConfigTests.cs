using System.Text;
using FalconMamba.Generation;

namespace FalconMamba.Tests.Generation;

public class GenerationConfigTests
{
    [Fact]
    public void Sampling_settings_become_options()
    {
        var options = Parse("""{"do_sample": true, "temperature": 0.6, "top_p": 0.9, "top_k": 20, "min_p": 0.05, "max_new_tokens": 77}""").ToOptions();
        Assert.Equal((0.6, 0.9, 20, 0.05, 77), (options.Temperature, options.TopP, options.TopK, options.MinP, options.MaxNewTokens));
    }

    [Fact]
    public void Without_do_sample_the_likeliest_token_is_taken() =>
        Assert.True(Parse("""{"temperature": 0.6, "top_k": 20}""").ToOptions().IsGreedy);

    [Fact]
    public void Sampling_without_settings_has_the_defaults_of_transformers()
    {
        var options = Parse("""{"do_sample": true}""").ToOptions();
        Assert.Equal((1, 1, 50, 0), (options.Temperature, options.TopP, options.TopK, options.MinP));
    }

    [Fact]
    public void What_is_absent_is_nothing()
    {
        var config = Parse("{}");
        Assert.Null(config.BosTokenId);
        Assert.Null(config.PadTokenId);
        Assert.Empty(config.EosTokenIds);
        Assert.Null(config.MaxLength);
    }

    [Theory]
    [InlineData("""{"temperature": -1}""", "temperature")]
    [InlineData("""{"top_p": 1.5}""", "top_p")]
    [InlineData("""{"min_p": "x"}""", "min_p")]
    [InlineData("""{"top_k": -5}""", "top_k")]
    [InlineData("""{"max_new_tokens": 0}""", "max_new_tokens")]
    [InlineData("""{"bos_token_id": [1]}""", "bos_token_id")]
    public void Values_out_of_range_are_refused_by_key(string json, string key) =>
        Assert.Equal(key, Assert.Throws<MalformedFileException>(() => Parse(json)).Place);

    private static GenerationConfig Parse(string json) => GenerationConfig.Parse(Encoding.UTF8.GetBytes(json), "generation_config.json");
}
