using FalconMamba.Engine;
using FalconMamba.Model;
using FalconMamba.Sessions;
using FalconMamba.Tests.Sessions;

namespace FalconMamba.Tests.Engine;

/// <summary>A request whose kept state lies in a slow store holds up nobody but itself.</summary>
public sealed class SlowStoreTests : IDisposable
{
    private const int Endless = 1_000_000, Meanwhile = 200, Waiting = 8;

    private readonly FalconMambaModel _model = EngineModels.Tiny();
    private readonly WatchedModel _watched;
    private readonly WaitingStore _store = new();
    private readonly PrefixTree _tree;
    private readonly GenerationRequest _request = EngineModels.Request(EngineModels.Prompt(30), 5);

    public SlowStoreTests()
    {
        _watched = new WatchedModel(_model);
        _tree = new PrefixTree(_model, new PrefixTreeOptions { MemoryBytes = 0, Store = _store });
    }

    public void Dispose()
    {
        _store.Release.Set();
        _tree.Dispose();
        _store.Dispose();
        _model.Dispose();
    }

    [Fact]
    public async Task Streams_go_on_while_a_state_is_read()
    {
        using var engine = await WithStoredPrompt();
        var running = engine.Submit(EngineModels.Request([1, 2], Endless)).GetAsyncEnumerator();
        Assert.True(await running.MoveNextAsync());
        // More than a small machine's pool has threads, on which the stream's reader goes on.
        var waiting = Enumerable.Range(0, Waiting).Select(_ => engine.Submit(_request)).ToArray();
        await Go(running, until: _store.IsReading);
        await Go(running, Meanwhile);
        Assert.Equal(1 + Waiting, engine.Statistics.Running);
        Assert.All(waiting, tokens => Assert.Equal(0, tokens.PromptTokensRead));

        // A new prompt is read and answered beside it, too.
        var third = EngineModels.Request([7, 8, 9], 3);
        Assert.Equal(EngineModels.Alone(_model, third), await EngineModels.IdsOf(engine.Submit(third)));

        _store.Release.Set();
        foreach (var tokens in waiting)
        {
            Assert.Equal(EngineModels.Alone(_model, _request), await EngineModels.IdsOf(tokens));
            Assert.Equal(30, tokens.CachedTokens);
        }

        await running.DisposeAsync();
        engine.Dispose();
        _watched.AssertNoStateIsLeft();
    }

    [Fact]
    public async Task One_that_is_cancelled_meanwhile_ends_when_its_state_is_free()
    {
        using var engine = await WithStoredPrompt();
        var running = engine.Submit(EngineModels.Request([1, 2], Endless)).GetAsyncEnumerator();
        var waiting = engine.Submit(_request);
        await Go(running, until: _store.IsReading);
        waiting.Cancel();
        await Go(running, Meanwhile);
        Assert.False(waiting.Completion.IsCompleted);
        _store.Release.Set();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Completion);
        await running.DisposeAsync();
        engine.Dispose();
        _watched.AssertNoStateIsLeft();
    }

    [Fact]
    public async Task An_engine_that_ends_meanwhile_waits_for_it()
    {
        var engine = await WithStoredPrompt();
        var waiting = engine.Submit(_request);
        _store.IsReading.Wait();
        var ending = Task.Run(engine.Dispose);
        Assert.False(waiting.Completion.IsCompleted);
        _store.Release.Set();
        await ending;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Completion);
        _watched.AssertNoStateIsLeft();
    }

    [Fact]
    public async Task A_store_that_fails_ends_the_request_it_was_read_for()
    {
        using var engine = await WithStoredPrompt();
        _store.Failure = new NotSupportedException("The store is gone.");
        _store.Release.Set();
        var running = engine.Submit(EngineModels.Request([1, 2], 50));
        Assert.Equal("The store is gone.", (await Assert.ThrowsAsync<NotSupportedException>(() => EngineModels.IdsOf(engine.Submit(_request)))).Message);
        Assert.Equal(50, (await EngineModels.IdsOf(running)).Length);
        engine.Dispose();
        _watched.AssertNoStateIsLeft();
    }

    private async Task<BatchEngine> WithStoredPrompt()
    {
        var engine = new BatchEngine(_watched, options: new() { Prefixes = _tree });
        await EngineModels.IdsOf(engine.Submit(_request));
        _tree.Settle();
        Assert.Equal(0, _tree.Statistics.MemoryStates);
        return engine;
    }

    private static async Task Go(IAsyncEnumerator<GeneratedToken> stream, int count = int.MaxValue, ManualResetEventSlim? until = null)
    {
        for (var i = 0; i < count && until is not { IsSet: true }; i++) Assert.True(await stream.MoveNextAsync());
    }
}
