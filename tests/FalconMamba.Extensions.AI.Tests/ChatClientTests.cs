using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tokenization;
using Microsoft.Extensions.AI;

namespace FalconMamba.Extensions.AI.Tests;

public sealed class ChatClientTests : IDisposable
{
    private static readonly ChatMessage[] Hello = TestEngine.Say("Who goes there?");

    private readonly TestEngine _engine = new();

    private FalconMambaChatClient Client => _engine.Client;

    public void Dispose() => _engine.Dispose();

    [Fact]
    public async Task An_answer_is_what_the_generator_writes()
    {
        var prompt = _engine.Prompt("Who goes there?");
        using var state = _engine.Model.CreateState();
        var generator = new TextGenerator(_engine.Model, _engine.Tokenizer, new GenerationOptions { MaxNewTokens = 20 });
        // The watched model runs nowhere but on the engine's own thread.
        var expected = "";
        await RunOnThread(() => expected = string.Concat(generator.Generate(state, prompt)));

        var response = await Client.GetResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 20 });
        Assert.Equal(expected, response.Text);
        Assert.Equal((ChatFinishReason.Length, TestEngine.Name), (response.FinishReason, response.ModelId));
        Assert.Equal((prompt.Length, 20L, prompt.Length + 20L), (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.TotalTokenCount));
        var message = Assert.Single(response.Messages);
        Assert.Equal(ChatRole.Assistant, message.Role);
        Assert.NotNull(response.CreatedAt);
    }

    [Fact]
    public async Task A_stream_has_one_id_and_ends_with_usage_and_reason()
    {
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in Client.GetStreamingResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 12 })) updates.Add(update);
        var id = Assert.Single(updates.Select(update => update.ResponseId).Distinct());
        Assert.False(string.IsNullOrEmpty(id));
        Assert.Single(updates.Select(update => update.MessageId).Distinct());
        Assert.All(updates[..^1], update => Assert.Null(update.FinishReason));
        Assert.Equal(ChatFinishReason.Length, updates[^1].FinishReason);
        Assert.Equal(12, Assert.IsType<UsageContent>(Assert.Single(updates[^1].Contents)).Details.OutputTokenCount);
        Assert.Equal((await Client.GetResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 12 })).Text, string.Concat(updates));
    }

    [Fact]
    public async Task An_end_token_and_a_stop_string_end_an_answer()
    {
        _engine.WillSay("It is the king.");
        var ended = await Client.GetResponseAsync(Hello);
        Assert.Equal(("It is the king.", ChatFinishReason.Stop), (ended.Text, ended.FinishReason));
        Assert.Equal(_engine.Tokenizer.Encode("It is the king.").Length + 1, ended.Usage!.OutputTokenCount);

        _engine.WillSay("It is the king.");
        var stopped = await Client.GetResponseAsync(Hello, new ChatOptions { StopSequences = ["the k", "zzz"] });
        Assert.Equal(("It is ", ChatFinishReason.Stop), (stopped.Text, stopped.FinishReason));
    }

    [Fact]
    public async Task Instructions_stand_before_the_conversation()
    {
        var response = await Client.GetResponseAsync(Hello, new ChatOptions { Instructions = "Be brief.", MaxOutputTokens = 4 });
        var given = await Client.GetResponseAsync([new(ChatRole.System, "Be brief."), .. Hello], new ChatOptions { MaxOutputTokens = 4 });
        Assert.Equal((given.Text, given.Usage!.InputTokenCount), (response.Text, response.Usage!.InputTokenCount));
        Assert.True(response.Usage.InputTokenCount > _engine.Prompt("Who goes there?").Length);
    }

    [Fact]
    public async Task The_same_seed_draws_the_same_answer()
    {
        var options = new ChatOptions { Temperature = 1, TopK = 0, MaxOutputTokens = 30, Seed = -5 };
        var text = (await Client.GetResponseAsync(Hello, options)).Text;
        Assert.Equal(text, (await Client.GetResponseAsync(Hello, options)).Text);
        Assert.NotEqual(text, (await Client.GetResponseAsync(Hello, new ChatOptions { Temperature = 1, TopK = 0, MaxOutputTokens = 30, Seed = 6 })).Text);
    }

    [Fact]
    public async Task A_special_token_in_a_message_is_text()
    {
        var marked = await Client.GetResponseAsync(TestEngine.Say("<|end_of_text|>"), new ChatOptions { MaxOutputTokens = 1 });
        Assert.Equal(_engine.Prompt("<|end_of_text|>").Length, marked.Usage!.InputTokenCount);
        Assert.True(marked.Usage.InputTokenCount > _engine.Prompt("").Length + 1);
    }

    [Fact]
    public void Services_are_what_stands_behind_the_client()
    {
        Assert.Same(Client, Client.GetService(typeof(IChatClient)));
        Assert.Same(_engine.Engine, Client.GetService(typeof(FalconMambaEngine)));
        Assert.Same(_engine.Model, Client.GetService(typeof(IModelRunner)));
        Assert.Same(_engine.Tokenizer, Client.GetService(typeof(Tokenizer)));
        Assert.Null(Client.GetService(typeof(string)));
        Assert.Null(Client.GetService(typeof(IChatClient), "key"));
        var metadata = Client.GetService<ChatClientMetadata>()!;
        Assert.Equal(("falcon_mamba_net", TestEngine.Name), (metadata.ProviderName, metadata.DefaultModelId));
    }

    [Fact]
    public async Task A_loaded_client_closes_its_model()
    {
        var client = FalconMambaChatClient.Load(TestEngine.Folder);
        var model = client.GetService<FalconMambaModel>()!;
        var running = client.GetResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 1_000_000, RawRepresentationFactory = _ => new GenerationOptions { IgnoreEos = true } });
        client.Dispose();
        Assert.Throws<ObjectDisposedException>(model.CreateState);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => running);
    }

    [Fact]
    public async Task What_is_no_text_is_refused()
    {
        ChatMessage[] image = [new(ChatRole.User, [new DataContent("data:image/png;base64,AAAA")])];
        var error = await Assert.ThrowsAsync<NotSupportedException>(() => Client.GetResponseAsync(image));
        Assert.Contains("DataContent", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentNullException>(() => Client.GetResponseAsync((IEnumerable<ChatMessage>)null!));
        Assert.Equal(0, _engine.Model.Forwards);
    }

    internal static Task RunOnThread(Action work) => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
