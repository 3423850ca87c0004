using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;

namespace FalconMamba.Extensions.AI.Tests;

/// <summary>The decorators that come with the abstractions, around a client; the one for functions is in <see cref="ToolTests"/>.</summary>
public class DecoratorTests
{
    private static readonly ChatOptions Short = new() { MaxOutputTokens = 12, Temperature = 0.7f, Seed = 3 };

    [Fact]
    public async Task A_cached_answer_is_the_models_and_asks_it_no_more()
    {
        using var engine = new TestEngine();
        using var client = engine.Client.AsBuilder().UseDistributedCache(new Cache()).Build();
        var first = await client.GetResponseAsync(TestEngine.Say("Who goes there?"), Short, TestContext.Current.CancellationToken);
        var forwards = engine.Model.Forwards;
        var second = await client.GetResponseAsync(TestEngine.Say("Who goes there?"), Short, TestContext.Current.CancellationToken);
        Assert.Equal((first.Text, first.Usage!.OutputTokenCount, first.FinishReason), (second.Text, second.Usage!.OutputTokenCount, second.FinishReason));
        Assert.Equal(forwards, engine.Model.Forwards);

        var streamed = await client.GetStreamingResponseAsync(TestEngine.Say("And whither?"), Short, TestContext.Current.CancellationToken).ToChatResponseAsync(TestContext.Current.CancellationToken);
        forwards = engine.Model.Forwards;
        var again = await client.GetStreamingResponseAsync(TestEngine.Say("And whither?"), Short, TestContext.Current.CancellationToken).ToChatResponseAsync(TestContext.Current.CancellationToken);
        Assert.Equal((streamed.Text, forwards), (again.Text, engine.Model.Forwards));

        await client.GetResponseAsync(TestEngine.Say("Who goes there?"), new ChatOptions { MaxOutputTokens = 13, Temperature = 0.7f, Seed = 3 }, TestContext.Current.CancellationToken);
        Assert.True(engine.Model.Forwards > forwards);
    }

    [Fact]
    public async Task What_the_logging_decorator_logs_is_the_answer()
    {
        using var engine = new TestEngine();
        using var lines = new LogLines();
        using var client = engine.Client.AsBuilder().UseLogging(lines).Build();
        var response = await client.GetResponseAsync(TestEngine.Say("Who goes there?"), Short, TestContext.Current.CancellationToken);
        Assert.Contains(lines.All, line => line.Contains("Who goes there?", StringComparison.Ordinal));
        Assert.Contains(lines.All, line => line.Contains(response.ResponseId!, StringComparison.Ordinal));
        await Assert.ThrowsAsync<UnsupportedOptionException>(() => client.GetResponseAsync(TestEngine.Say("?"), new ChatOptions { ConversationId = "1" }, TestContext.Current.CancellationToken));
        Assert.Contains(lines.All, line => line.Contains(nameof(UnsupportedOptionException), StringComparison.Ordinal));
    }

    [Fact]
    public async Task OpenTelemetrys_decorator_finds_model_usage_and_finish_reason()
    {
        const string source = "FalconMamba.Tests.Decorators";
        var stopped = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = activities => activities.Name == source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = stopped.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var engine = new TestEngine(new FalconMambaOptions { ModelId = "decorated" });
        using var client = engine.Client.AsBuilder().UseOpenTelemetry(sourceName: source).Build();
        var response = await client.GetStreamingResponseAsync(TestEngine.Say("Who goes there?"), Short, TestContext.Current.CancellationToken).ToChatResponseAsync(TestContext.Current.CancellationToken);
        var activity = Assert.Single(stopped);
        Assert.Equal("chat decorated", activity.DisplayName);
        Assert.Equal("decorated", activity.GetTagItem("gen_ai.response.model"));
        Assert.Equal((int?)response.Usage!.OutputTokenCount, activity.GetTagItem("gen_ai.usage.output_tokens"));
        Assert.Contains("length", activity.GetTagItem("gen_ai.response.finish_reasons")?.ToString(), StringComparison.Ordinal);
    }

    private sealed class Cache : IDistributedCache
    {
        private readonly ConcurrentDictionary<string, byte[]> _values = [];

        public byte[]? Get(string key) => _values.GetValueOrDefault(key);

        public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.FromResult(Get(key));

        public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => _values[key] = value;

        public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
        {
            Set(key, value, options);
            return Task.CompletedTask;
        }

        public void Refresh(string key)
        {
        }

        public Task RefreshAsync(string key, CancellationToken token = default) => Task.CompletedTask;

        public void Remove(string key) => _values.TryRemove(key, out _);

        public Task RemoveAsync(string key, CancellationToken token = default)
        {
            Remove(key);
            return Task.CompletedTask;
        }
    }
}
