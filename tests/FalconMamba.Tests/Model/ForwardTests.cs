using FalconMamba.Model;

namespace FalconMamba.Tests.Model;

public class ForwardTests : IDisposable
{
    private readonly FalconMambaModel _model = FalconMambaModel.Load(
        Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models", "tiny-f32"), new ModelOptions { PrefillChunkSize = 4 });

    private int Vocabulary => _model.Config.VocabSize;

    [Fact]
    public void A_chunk_without_tokens_gives_the_last_tokens_logits_again()
    {
        using var state = _model.CreateState();
        var expected = new float[Vocabulary];
        var again = new float[3 * Vocabulary];
        _model.Forward([new Chunk(state, new[] { 1, 2, 3 })], expected);
        using var fork = state.Fork();
        using var third = state.Fork();
        _model.Forward([new Chunk(state, default), new Chunk(fork, default), new Chunk(third, new[] { 9 })], again);
        Assert.Equal(expected, again[..Vocabulary]);
        Assert.Equal(expected, again[Vocabulary..(2 * Vocabulary)]);
        Assert.Equal(3, state.TokenCount);
        Assert.Equal(4, third.TokenCount);
    }

    [Fact]
    public void Rows_come_in_the_order_of_the_chunks()
    {
        using var a = _model.CreateState();
        using var b = _model.CreateState();
        using var c = _model.CreateState();
        var logits = new float[4 * Vocabulary];
        var hidden = new float[6 * _model.Config.HiddenSize];
        _model.Forward(
            [
                new Chunk(a, new[] { 1, 2, 3, 4, 5 }) { Logits = RowSelection.None, Hidden = RowSelection.All },
                new Chunk(b, new[] { 6, 7, 8 }) { Logits = RowSelection.All },
                new Chunk(c, new[] { 9, 10 }) { Hidden = RowSelection.Last },
            ],
            logits,
            hidden);
        Assert.Equal(a.LastHidden, hidden.AsSpan(4 * _model.Config.HiddenSize, _model.Config.HiddenSize));
        Assert.Equal(c.LastHidden, hidden.AsSpan(5 * _model.Config.HiddenSize, _model.Config.HiddenSize));
        Assert.Equal(Again(b), logits[(2 * Vocabulary)..(3 * Vocabulary)]);
        Assert.Equal(Again(c), logits[(3 * Vocabulary)..]);
    }

    [Fact]
    public void What_does_not_fit_is_refused_and_moves_nothing()
    {
        using var state = _model.CreateState();
        using var seen = _model.CreateState();
        var logits = new float[Vocabulary];
        _model.Forward([new Chunk(seen, new[] { 1 })], logits);
        Assert.Throws<ArgumentException>(() => _model.Forward([], logits));
        Assert.Throws<ArgumentException>(() => _model.Forward([new Chunk(state, default)], logits));
        Assert.Throws<ArgumentException>(() => _model.Forward([new Chunk(state, new[] { Vocabulary })], logits));
        Assert.Throws<ArgumentException>(() => _model.Forward([new Chunk(state, new[] { -1 })], logits));
        Assert.Throws<ArgumentException>(() => _model.Forward([new Chunk(state, new[] { 1, 2 }) { Logits = RowSelection.All }], logits));
        Assert.Throws<ArgumentException>(() => _model.Forward([new Chunk(state, new[] { 1 }) { Hidden = RowSelection.Last }], logits));
        Assert.Throws<ArgumentException>(() => _model.Forward([new Chunk(seen, new[] { 1 }), new Chunk(seen, new[] { 2 })], new float[2 * Vocabulary]));
        Assert.Throws<ArgumentOutOfRangeException>(() => _model.RollBack(seen, 0));
        Assert.Equal(0, state.TokenCount);
        Assert.Equal(1, seen.TokenCount);
        _model.Forward([new Chunk(state, new[] { 1 })], logits);
    }

    [Fact]
    public void A_cancelled_call_leaves_the_state_at_the_token_it_tells()
    {
        using var cancellation = new CancellationTokenSource();
        using var state = _model.CreateState();
        var ids = Enumerable.Range(1, 50).ToArray();
        var logits = new float[Vocabulary];
        var progress = new Callback(done =>
        {
            if (done >= 12) cancellation.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => _model.Forward([new Chunk(state, ids)], logits, progress: progress, cancellationToken: cancellation.Token));
        Assert.Equal(12, state.TokenCount);
        _model.Forward([new Chunk(state, ids.AsMemory(12))], logits);
        using var whole = _model.CreateState();
        var expected = new float[Vocabulary];
        _model.Forward([new Chunk(whole, ids)], expected);
        Assert.Equal(expected, logits);
    }

    [Fact]
    public async Task Calls_at_once_do_not_disturb_each_other_and_disposal_waits_for_them()
    {
        var model = FalconMambaModel.Load(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models", "tiny-f16"));
        var expected = Run(0);
        using var started = new CountdownEvent(8);
        var tasks = Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            var result = Run(0);
            started.Signal();
            for (var i = 0; i < 20; i++) Assert.Equal(result, Run(0));
            return result;
        })).ToArray();
        started.Wait();
        Assert.All(await Task.WhenAll(tasks), result => Assert.Equal(expected, result));

        using var state = model.CreateState();
        var disposal = Task.CompletedTask;
        var progress = new Callback(done =>
        {
            if (done < 200) return;
            disposal = Task.Run(model.Dispose);
        });
        model.Forward([new Chunk(state, new int[200])], new float[model.Config.VocabSize], progress: progress);
        await disposal;
        Assert.Throws<ObjectDisposedException>(() => model.Forward([new Chunk(state, new int[1])], new float[model.Config.VocabSize]));

        float[] Run(int seed)
        {
            using var mine = model.CreateState();
            var logits = new float[model.Config.VocabSize];
            model.Forward([new Chunk(mine, new[] { seed, 1, 2, 3, 4, 5, 6, 7 })], logits);
            return logits;
        }
    }

    public void Dispose()
    {
        _model.Dispose();
        GC.SuppressFinalize(this);
    }

    private float[] Again(RecurrentState state)
    {
        var logits = new float[Vocabulary];
        _model.Forward([new Chunk(state, default)], logits);
        return logits;
    }

    private sealed class Callback(Action<int> report) : IProgress<int>
    {
        public void Report(int value) => report(value);
    }
}
