using FalconMamba.Engine;
using FalconMamba.Model;
using Microsoft.Extensions.AI;

namespace FalconMamba.Extensions.AI.Tests;

public sealed class ChatClientConcurrencyTests : IDisposable
{
    private const int Endless = 1_000_000;

    private static readonly ChatMessage[] Hello = TestEngine.Say("Who goes there?");

    private readonly TestEngine _engine = new(new FalconMambaOptions { Deterministic = true });

    private FalconMambaChatClient Client => _engine.Client;

    public void Dispose() => _engine.Dispose();

    [Fact]
    public async Task Thirty_two_threads_get_the_answers_they_would_get_alone()
    {
        var alone = new string[32];
        for (var i = 0; i < alone.Length; i++) alone[i] = (await Client.GetResponseAsync(Hello, Drawn(i))).Text;
        var answers = new string[alone.Length];
        var threads = Enumerable.Range(0, alone.Length)
            .Select(i => new Thread(() => answers[i] = Client.GetResponseAsync(Hello, Drawn(i)).GetAwaiter().GetResult().Text))
            .ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.Equal(alone, answers);
        Assert.True(alone.Distinct().Count() > 16);
        Assert.Equal(1, _engine.Model.MostAtOnce);
        Assert.All(_engine.Model.States, AssertFree);
        Assert.Equal(0, _engine.Engine.Batch.Statistics.Running);

        static ChatOptions Drawn(int seed) => new() { MaxOutputTokens = 8, Temperature = 1, Seed = seed };
    }

    [Fact]
    public async Task Requests_that_come_together_are_answered_together()
    {
        using var begun = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        _engine.Model.OnForward = number =>
        {
            if (number > 1) return;
            begun.Set();
            release.Wait();
        };
        var first = Client.GetResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 2 });
        begun.Wait();
        var answers = Enumerable.Range(0, 32).Select(_ => Client.GetResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 20 })).ToArray();
        await UntilWaiting(32);
        release.Set();
        await Task.WhenAll([first, .. answers]);
        // One by one they would be 642; the prompts alone may take some steps.
        Assert.InRange(_engine.Model.Forwards, 21, 100);
        Assert.Single(answers.Select(answer => answer.Result.Text).Distinct());
    }

    [Fact]
    public async Task Too_many_requests_are_refused()
    {
        using var engine = new TestEngine(new FalconMambaOptions { MaxRunningRequests = 1, MaxWaitingRequests = 1 });
        using var begun = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        engine.Model.OnForward = _ =>
        {
            begun.Set();
            release.Wait();
        };
        var running = engine.Client.GetResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 2 });
        begun.Wait();
        Task<ChatResponse>[] others = [engine.Client.GetResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 2 }), engine.Client.GetResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 2 })];
        var refused = await Task.WhenAny(others);
        Assert.Contains("MaxWaiting", (await Assert.ThrowsAsync<EngineBusyException>(() => refused)).Message, StringComparison.Ordinal);
        release.Set();
        foreach (var answer in others.Append(running).Where(answer => answer != refused)) Assert.Equal(2, (await answer).Usage!.OutputTokenCount);
    }

    [Fact]
    public async Task Cancellation_ends_an_answer_within_one_step()
    {
        using var cancellation = new CancellationTokenSource();
        _engine.Model.OnForward = number =>
        {
            if (number == 5) cancellation.Cancel();
        };
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Client.GetResponseAsync(Hello, EndlessOptions(), cancellation.Token));
        Assert.Equal(cancellation.Token, error.CancellationToken);
        Assert.Equal(5, _engine.Model.Forwards);
        AssertFree(Assert.Single(_engine.Model.States));
    }

    [Fact]
    public async Task A_consumer_that_stops_frees_its_state()
    {
        await foreach (var update in Client.GetStreamingResponseAsync(Hello, EndlessOptions())) break;
        AssertFree(Assert.Single(_engine.Model.States));
        var steps = _engine.Model.Forwards;
        Assert.Equal(3, (await Client.GetResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 3 })).Usage!.OutputTokenCount);
        Assert.Equal(steps + 3, _engine.Model.Forwards);
    }

    [Fact]
    public async Task A_request_that_waits_is_cancelled_at_once()
    {
        using var begun = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        _engine.Model.OnForward = _ =>
        {
            begun.Set();
            release.Wait();
        };
        var first = Client.GetResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 2 });
        begun.Wait();
        var second = Client.GetResponseAsync(Hello, EndlessOptions(), cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.False(first.IsCompleted);
        release.Set();
        Assert.Equal(2, (await first).Usage!.OutputTokenCount);
        Assert.Single(_engine.Model.States);
    }

    [Fact]
    public async Task A_cancelled_token_never_reaches_the_model()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Client.GetResponseAsync(Hello, null, new CancellationToken(canceled: true)));
        Assert.Equal(0, _engine.Model.Forwards);
    }

    [Fact]
    public async Task Disposing_a_client_ends_its_requests_and_no_others()
    {
        using var other = new FalconMambaChatClient(_engine.Engine);
        _engine.Model.OnForward = number =>
        {
            if (number == 4) Client.Dispose();
        };
        var running = Client.GetResponseAsync(Hello, EndlessOptions());
        var waiting = Client.GetResponseAsync(Hello, EndlessOptions());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => running);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Client.GetResponseAsync(Hello));
        Assert.Equal(4, _engine.Model.Forwards);
        Client.Dispose();
        Assert.Equal(2, (await other.GetResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 2 })).Usage!.OutputTokenCount);
    }

    [Fact]
    public async Task Disposing_the_engine_in_flight_ends_all_and_closes_the_model_last()
    {
        using var begun = new ManualResetEventSlim();
        _engine.Model.OnForward = _ => begun.Set();
        var running = Client.GetResponseAsync(Hello, EndlessOptions());
        var waiting = Client.GetResponseAsync(Hello, EndlessOptions());
        begun.Wait();
        _engine.Engine.Dispose();
        Assert.True(_engine.Model.IsDisposed);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => running);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Client.GetResponseAsync(Hello));
        Assert.All(_engine.Model.States, AssertFree);
    }

    [Fact]
    public async Task An_error_of_the_model_reaches_its_own_request_only()
    {
        _engine.Model.OnForward = number =>
        {
            if (number == 2) throw new InvalidDataException("broken");
        };
        Assert.Equal("broken", (await Assert.ThrowsAsync<InvalidDataException>(() => Client.GetResponseAsync(Hello, EndlessOptions()))).Message);
        Assert.Equal(2, (await Client.GetResponseAsync(Hello, new ChatOptions { MaxOutputTokens = 2 })).Usage!.OutputTokenCount);
    }

    private async Task UntilWaiting(int count)
    {
        while (_engine.Engine.Batch.Statistics.Waiting < count) await Task.Yield();
    }

    // The model would end by itself some day.
    private static ChatOptions EndlessOptions() => new()
    {
        MaxOutputTokens = Endless,
        RawRepresentationFactory = _ => new Generation.GenerationOptions { IgnoreEos = true },
    };

    private static void AssertFree(RecurrentState state) => Assert.Throws<ObjectDisposedException>(state.Fork);
}
