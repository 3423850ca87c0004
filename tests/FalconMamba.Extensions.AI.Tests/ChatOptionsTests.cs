using FalconMamba.Extensions.AI.Chat;
using FalconMamba.Generation;
using Microsoft.Extensions.AI;

namespace FalconMamba.Extensions.AI.Tests;

public sealed class ChatOptionsTests : IDisposable
{
    private readonly TestEngine _engine = new(new FalconMambaOptions { MaxOutputTokens = 77 });

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void Every_setting_has_its_counterpart()
    {
        var options = Read(new ChatOptions
        {
            ModelId = TestEngine.Name,
            MaxOutputTokens = 9,
            Temperature = 0.7f,
            TopP = 0.9f,
            TopK = 40,
            Seed = 3,
            FrequencyPenalty = 0.1f,
            PresencePenalty = 0.2f,
            StopSequences = ["a", "b"],
            ResponseFormat = ChatResponseFormat.Text,
            AdditionalProperties = new() { ["min_p"] = 0.05, ["typical_p"] = 0.8f, ["repetition_penalty"] = 1.1, ["no_repeat_ngram_size"] = 4 },
        });
        Assert.Equal((9, 0.7, 0.9, 40, 3UL), (options.MaxNewTokens, options.Temperature, options.TopP, options.TopK, options.Seed));
        Assert.Equal((0.1, 0.2, true), (options.FrequencyPenalty, options.PresencePenalty, options.DoSample));
        Assert.Equal((0.05, 0.8, 1.1, 4), (options.MinP, options.TypicalP, options.RepetitionPenalty, options.NoRepeatNgramSize));
        Assert.Equal(["a", "b"], options.StopStrings);
    }

    [Fact]
    public void Without_settings_the_likeliest_tokens_are_taken()
    {
        var options = Read(null);
        Assert.Equal((77, null, 0UL), (options.MaxNewTokens, options.DoSample, options.Seed));
        Assert.False(Read(new ChatOptions { Temperature = 0 }).DoSample);
    }

    [Fact]
    public void A_draw_without_a_seed_differs_each_time()
    {
        Assert.NotEqual(Read(new ChatOptions { Temperature = 1 }).Seed, Read(new ChatOptions { Temperature = 1 }).Seed);
        Assert.True(Read(new ChatOptions { TopP = 0.5f }).DoSample);
    }

    [Fact]
    public void Options_of_the_library_come_through_the_factory()
    {
        var options = Read(new ChatOptions { RawRepresentationFactory = _ => new GenerationOptions { Mirostat = 2, DoSample = true, Seed = 8 }, MaxOutputTokens = 5 });
        Assert.Equal((2, 5, 8UL), (options.Mirostat, options.MaxNewTokens, options.Seed));
    }

    public static TheoryData<string, ChatOptions> Impossible => new()
    {
        { "ModelId", new ChatOptions { ModelId = "gpt-5" } },
        { "ConversationId", new ChatOptions { ConversationId = "1" } },
        { "ResponseFormat", new ChatOptions { ResponseFormat = ChatResponseFormat.Json } },
        { "Reasoning", new ChatOptions { Reasoning = new ReasoningOptions() } },
        { "MaxOutputTokens", new ChatOptions { MaxOutputTokens = 0 } },
        { "Temperature", new ChatOptions { Temperature = -1 } },
        { "Temperature", new ChatOptions { Temperature = float.NaN } },
        { "TopP", new ChatOptions { TopP = 1.5f } },
        { "TopP", new ChatOptions { Temperature = 0, TopP = 0.5f } },
        { "TopK", new ChatOptions { TopK = -1 } },
        { "TopK", new ChatOptions { Temperature = 0, TopK = 5 } },
        { "FrequencyPenalty", new ChatOptions { FrequencyPenalty = float.PositiveInfinity } },
        { "StopSequences", new ChatOptions { StopSequences = [null!] } },
        { "RawRepresentationFactory", new ChatOptions { RawRepresentationFactory = _ => "x" } },
        { "RawRepresentationFactory", new ChatOptions { RawRepresentationFactory = _ => new GenerationOptions { NumBeams = 2 } } },
        { "RawRepresentationFactory", new ChatOptions { RawRepresentationFactory = _ => new GenerationOptions { PromptLookupNumTokens = 2 } } },
        { "RawRepresentationFactory", new ChatOptions { RawRepresentationFactory = _ => new GenerationOptions { MaxMatchingNgramSize = 2 } } },
        { "logit_bias", new ChatOptions { AdditionalProperties = new() { ["logit_bias"] = 1 } } },
        { "min_p", new ChatOptions { AdditionalProperties = new() { ["min_p"] = "much" } } },
        { "min_p", new ChatOptions { AdditionalProperties = new() { ["min_p"] = 2.0 } } },
        { "ToolMode", new ChatOptions { ToolMode = ChatToolMode.RequireAny, Tools = [AIFunctionFactory.Create(() => 1, "one")] } },
        { "Tools", new ChatOptions { Tools = [new HostedWebSearchTool()] } },
        { "Tools", new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "one")] } },
    };

    [Theory(DisableDiscoveryEnumeration = true)]
    [MemberData(nameof(Impossible))]
    public async Task What_cannot_be_honoured_is_refused_by_name(string option, ChatOptions options)
    {
        var error = await Assert.ThrowsAsync<UnsupportedOptionException>(() => _engine.Client.GetResponseAsync(TestEngine.Say("Hello"), options));
        Assert.Equal(option, error.Option);
        Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, _engine.Model.Forwards);
    }

    private GenerationOptions Read(ChatOptions? options) => RequestOptions.Read(_engine.Client, _engine.Engine, options);
}
