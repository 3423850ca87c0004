using FalconMamba.Engine;
using FalconMamba.Generation;
using FalconMamba.Model;

namespace FalconMamba.Tests.Engine;

/// <summary>Waiting, priority, refusal, cancellation, drain and end of an engine.</summary>
public sealed class EngineLifeTests : IDisposable
{
    private const int Endless = 1_000_000;

    private static readonly int[] Prompt = [3, 17, 5, 8];

    private readonly FalconMambaModel _model = EngineModels.Tiny();
    private readonly WatchedModel _watched;

    public EngineLifeTests() => _watched = new WatchedModel(_model);

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task What_waits_runs_by_priority_then_by_owner_then_by_age()
    {
        using var engine = new BatchEngine(_watched, options: new() { MaxRunning = 2 });
        using var gate = new Gate(_watched);
        var order = new List<string>();
        var first = Read(engine.Submit(EngineModels.Request(Prompt, Endless) with { Owner = "a" }), 2, "first");
        gate.Begun.Wait();
        var waiting = new[]
        {
            Submit("a old", "a", 0), Submit("a young", "a", 0), Submit("b old", "b", 0), Submit("b young", "b", 0), Submit("urgent", "a", 1),
        };
        gate.Release.Set();
        // The first one runs until it is cancelled, so that the others take the second place in turn.
        await Task.WhenAll(waiting);
        engine.Dispose();
        await first;
        Assert.Equal(["urgent", "b old", "b young", "a old", "a young"], order);

        Task Submit(string name, string owner, int priority) =>
            Read(engine.Submit(EngineModels.Request(Prompt, 3) with { Owner = owner, Priority = priority, Options = Noting(name) }), 3, name);

        // Its first choice tells that it runs.
        GenerationOptions Noting(string name) => EngineModels.Drawing(3) with { LogitsProcessors = [new Note(() => order.Add(name))] };

        static async Task Read(GeneratedTokens tokens, int count, string name)
        {
            try
            {
                Assert.True((await EngineModels.IdsOf(tokens)).Length >= count, name);
            }
            catch (OperationCanceledException)
            {
            }
        }
    }

    [Fact]
    public async Task More_than_may_wait_are_refused_and_leave_no_trace()
    {
        using var engine = new BatchEngine(_watched, options: new() { MaxRunning = 1, MaxWaiting = 2 });
        using var gate = new Gate(_watched);
        var history = new TokenHistory();
        var running = engine.Submit(EngineModels.Request(Prompt, 2));
        gate.Begun.Wait();
        GeneratedTokens[] waiting = [engine.Submit(EngineModels.Request(Prompt, 2)), engine.Submit(EngineModels.Request(Prompt, 2))];
        Assert.Contains("2 requests", Assert.Throws<EngineBusyException>(() => engine.Submit(EngineModels.Request(Prompt, 2) with { History = history })).Message, StringComparison.Ordinal);
        Assert.Equal((0, 2), (history.Count, engine.Statistics.Waiting));
        gate.Release.Set();
        foreach (var tokens in waiting.Append(running)) Assert.Equal(2, (await EngineModels.IdsOf(tokens)).Length);
        Assert.Equal(2, (await EngineModels.IdsOf(engine.Submit(EngineModels.Request(Prompt, 2) with { History = history }))).Length);
    }

    [Fact]
    public async Task Cancelling_ends_what_waits_at_once_and_what_runs_after_its_step()
    {
        using var engine = new BatchEngine(_watched, options: new() { MaxRunning = 1 });
        using var cancellation = new CancellationTokenSource();
        using var gate = new Gate(_watched);
        var running = engine.Submit(EngineModels.Request(Prompt, Endless), cancellation.Token);
        gate.Begun.Wait();
        var waiting = engine.Submit(EngineModels.Request(Prompt, Endless));
        waiting.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Completion);
        cancellation.Cancel();
        Assert.False(running.Completion.IsCompleted);
        gate.Release.Set();
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => EngineModels.IdsOf(running));
        Assert.Equal((cancellation.Token, 1), (error.CancellationToken, _watched.Forwards));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.Submit(EngineModels.Request(Prompt, 1), new CancellationToken(canceled: true)).Completion);
        Assert.Equal((1, 1), (_watched.Forwards, _watched.States.Count));
        _watched.AssertNoStateIsLeft();
    }

    [Fact]
    public async Task A_reader_that_stops_frees_the_state()
    {
        using var engine = new BatchEngine(_watched);
        await foreach (var token in engine.Submit(EngineModels.Request(Prompt, Endless))) break;
        Assert.Equal(0, engine.Statistics.Running);
        _watched.AssertNoStateIsLeft();
    }

    [Fact]
    public async Task A_stream_pauses_for_its_reader_and_holds_nobody_up()
    {
        using var engine = new BatchEngine(_watched, options: new() { StreamCapacity = 4 });
        var slow = engine.Submit(EngineModels.Request(Prompt, 40));
        // Twenty times what fits: the other one goes through meanwhile.
        Assert.Equal(80, (await EngineModels.IdsOf(engine.Submit(EngineModels.Request(Prompt, 80)))).Length);
        Assert.False(slow.Completion.IsCompleted);
        Assert.Equal(84, engine.Statistics.GeneratedTokens);
        Assert.Equal(EngineModels.Alone(_model, EngineModels.Request(Prompt, 40)), await EngineModels.IdsOf(slow));
    }

    [Fact]
    public async Task Draining_brings_all_to_its_end_and_takes_no_more()
    {
        using var engine = new BatchEngine(_watched, options: new() { MaxRunning = 1 });
        using var gate = new Gate(_watched);
        var running = engine.Submit(EngineModels.Request(Prompt, 5));
        gate.Begun.Wait();
        var waiting = engine.Submit(EngineModels.Request(Prompt, 5));
        var work = engine.RunAsync(_ => { });
        var drained = engine.DrainAsync();
        Assert.Contains("drained", Assert.Throws<InvalidOperationException>(() => engine.Submit(EngineModels.Request(Prompt, 5))).Message, StringComparison.Ordinal);
        Assert.False(drained.IsCompleted);
        gate.Release.Set();
        await drained;
        Assert.True(running.Completion.IsCompletedSuccessfully && waiting.Completion.IsCompletedSuccessfully && work.IsCompletedSuccessfully);
        Assert.Equal(5, (await EngineModels.IdsOf(waiting)).Length);
    }

    [Fact]
    public async Task A_state_that_moved_while_its_request_waited_is_refused()
    {
        using var engine = new BatchEngine(_watched, options: new() { MaxRunning = 1 });
        using var gate = new Gate(_watched);
        using var state = _model.CreateState();
        var first = engine.Submit(EngineModels.Request(Prompt, 3) with { State = state });
        gate.Begun.Wait();
        var second = engine.Submit(EngineModels.Request(Prompt, 3) with { State = state });
        gate.Release.Set();
        Assert.Equal(3, (await EngineModels.IdsOf(first)).Length);
        Assert.Contains("give a fork", (await Assert.ThrowsAsync<InvalidOperationException>(() => EngineModels.IdsOf(second))).Message, StringComparison.Ordinal);
        Assert.Equal(Prompt.Length + 2, state.TokenCount);
    }

    [Fact]
    public async Task Who_cancels_at_the_last_token_is_told_so()
    {
        using var engine = new BatchEngine(_watched);
        using var gate = new Gate(_watched);
        GeneratedTokens? tokens = null;
        tokens = engine.Submit(EngineModels.Request(Prompt, 1) with { Options = EngineModels.Drawing(1) with { LogitsProcessors = [new Note(() => tokens!.Cancel())] } });
        gate.Release.Set();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => tokens.Completion);
    }

    [Fact]
    public async Task Disposing_cuts_off_all()
    {
        var engine = new BatchEngine(_watched, options: new() { MaxRunning = 1 });
        using var gate = new Gate(_watched);
        var running = engine.Submit(EngineModels.Request(Prompt, Endless));
        gate.Begun.Wait();
        var waiting = engine.Submit(EngineModels.Request(Prompt, Endless));
        var work = engine.RunAsync(_ => { });
        var disposed = Task.Run(engine.Dispose);
        // The step ends behind the beginning of the end, else the work would still be done.
        SpinWait.SpinUntil(() => Record.Exception(() => { _ = engine.RunAsync(_ => { }); }) is ObjectDisposedException);
        gate.Release.Set();
        await disposed;
        foreach (var task in new[] { running.Completion, waiting.Completion, work }) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => EngineModels.IdsOf(running));
        Assert.Throws<ObjectDisposedException>(() => engine.Submit(EngineModels.Request(Prompt, 1)));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => engine.RunAsync(_ => { }));
        _watched.AssertNoStateIsLeft();
        engine.Dispose();
    }

    [Fact]
    public async Task Exclusive_work_runs_between_steps_on_the_same_thread()
    {
        using var engine = new BatchEngine(_watched);
        var threads = new HashSet<int>();
        _watched.OnForward = (_, _) => threads.Add(Environment.CurrentManagedThreadId);
        var tokens = engine.Submit(EngineModels.Request(Prompt, Endless));
        // A beam search while a stream runs.
        int[][] beams = [];
        await engine.RunAsync(token => beams = _watched.Generate(Prompt, new() { NumBeams = 3, NumReturnSequences = 2, MaxNewTokens = 6 }, cancellationToken: token));
        Assert.Equal(_model.Generate(Prompt, new() { NumBeams = 3, NumReturnSequences = 2, MaxNewTokens = 6 }), beams);
        Assert.Equal("wrong", (await Assert.ThrowsAsync<InvalidDataException>(() => engine.RunAsync(_ => throw new InvalidDataException("wrong")))).Message);
        using var cancellation = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.RunAsync(
            token =>
            {
                cancellation.Cancel();
                token.ThrowIfCancellationRequested();
            },
            cancellation.Token));
        Assert.False(tokens.Completion.IsCompleted);
        Assert.Single(threads);
    }

    private sealed class Note(Action note) : ILogitsProcessor
    {
        private bool _noted;

        public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
        {
            if (!_noted) note();
            _noted = true;
        }
    }
}
