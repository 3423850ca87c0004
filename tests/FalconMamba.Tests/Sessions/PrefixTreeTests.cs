using FalconMamba.Model;
using FalconMamba.Sessions;

namespace FalconMamba.Tests.Sessions;

public sealed class PrefixTreeTests : IDisposable
{
    private readonly CountingModel _model = SessionModels.Tiny();
    private readonly RecurrentState _state;

    public PrefixTreeTests() => _state = _model.CreateState();

    public void Dispose()
    {
        _state.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void The_longest_beginning_is_found_and_its_state_goes_on_bit_for_bit()
    {
        using var tree = new PrefixTree(_model);
        int[] ids = [1, 2, 3, 4, 5, 6];
        foreach (var length in (int[])[2, 4]) Keep(tree, "a", ids[..length]);
        Keep(tree, "a", [1, 2, 9, 9, 9]);
        Assert.Equal(0, tree.Restore("a", [2, 3], _state));
        Assert.Equal(0, _state.TokenCount);
        Assert.Equal(0, tree.Restore("a", [1], _state));
        Assert.Equal(2, tree.Restore("a", [1, 2, 9, 9], _state));
        Assert.Equal(4, tree.Restore("a", ids, _state));
        Assert.Equal([2, 4], tree.Places("a", ids));
        _model.Forward([new Chunk(_state, ids.AsMemory(4)) { Logits = RowSelection.None }], []);
        using var whole = _model.StateOf(ids);
        Assert.Equal(_model.LogitsOf(whole), _model.LogitsOf(_state));
        Assert.Equal(new PrefixTreeStatistics(4, 2, 13, 6, 3, 3 * _state.ByteLength, 0, 0, 0), tree.Statistics);
    }

    [Fact]
    public void All_of_a_prompt_may_be_found_and_gives_its_logits_at_once()
    {
        using var tree = new PrefixTree(_model);
        int[] ids = [7, 8, 9];
        Keep(tree, "a", ids);
        using var whole = _model.StateOf(ids);
        _model.TakeCount();
        Assert.Equal(3, tree.Restore("a", ids, _state));
        Assert.Equal(_model.LogitsOf(whole), _model.LogitsOf(_state));
        Assert.Equal(0, _model.TakeCount());
    }

    [Fact]
    public void Owners_do_not_see_each_other_but_what_is_pinned_for_all()
    {
        using var tree = new PrefixTree(_model);
        int[] ids = [1, 2, 3, 4];
        Keep(tree, "a", ids);
        Assert.Equal(0, tree.Restore("b", ids, _state));
        Assert.Equal((1, 0), (tree.Statistics.Lookups, tree.Statistics.Hits));
        Assert.Empty(tree.Places("b", ids));
        using (var system = _model.StateOf(ids.AsMemory(0, 2))) tree.Pin(ids.AsSpan(0, 2), system);
        Assert.Equal(2, tree.Restore("b", ids, _state));
        Assert.Equal(4, tree.Restore("a", ids, _state));
        tree.Forget("a");
        Assert.Equal(2, tree.Restore("a", ids, _state));
        Assert.True(tree.Unpin(ids.AsSpan(0, 2)));
        Assert.False(tree.Unpin(ids.AsSpan(0, 2)));
        Assert.Equal(0, tree.Restore("a", ids, _state));
        Assert.Equal((0, 0L), (tree.Statistics.MemoryStates, tree.Statistics.MemoryBytes));
    }

    [Fact]
    public void Memory_forgets_what_was_not_used_for_longest_and_never_what_is_pinned()
    {
        using var tree = new PrefixTree(_model, new PrefixTreeOptions { MemoryBytes = 3 * _state.ByteLength });
        using (var pinned = _model.StateOf(new[] { 50 })) tree.Pin([50], pinned);
        foreach (var id in (int[])[1, 2]) Keep(tree, "a", [id]);
        Assert.Equal(1, tree.Restore("a", [1], _state));
        Keep(tree, "a", [3]);
        Assert.Equal([1, 0, 1, 1], ((int[])[1, 2, 3, 50]).Select(id => tree.Restore("a", [id], _state)));
        Assert.Equal((3, 3 * _state.ByteLength, 1L), (tree.Statistics.MemoryStates, tree.Statistics.MemoryBytes, tree.Statistics.Forgotten));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_memory_has_no_room_for_goes_to_the_store_and_comes_back(bool inFolder)
    {
        using var folder = new TemporaryFolder();
        using var memory = new MemoryStateStore();
        IStateStore store = inFolder ? new FolderStateStore(folder.Root) : memory;
        using (var tree = new PrefixTree(_model, new PrefixTreeOptions { MemoryBytes = 2 * _state.ByteLength, Store = store, StoreBytes = 4 * _state.ByteLength }))
        {
            foreach (var id in Enumerable.Range(1, 5))
            {
                Keep(tree, "a", [id, id + 1]);
                tree.Settle();
            }

            Assert.Equal((2, 3), (tree.Statistics.MemoryStates, tree.Statistics.StoredStates));
            using var first = _model.StateOf(new[] { 1, 2 });
            Assert.Equal(2, tree.Restore("a", [1, 2, 3], _state));
            Assert.Equal(_model.LogitsOf(first), _model.LogitsOf(_state));
            tree.Settle();
            Assert.Equal((2, 3), (tree.Statistics.MemoryStates, tree.Statistics.StoredStates));

            foreach (var id in Enumerable.Range(10, 5))
            {
                Keep(tree, "a", [id]);
                tree.Settle();
            }

            Assert.InRange(tree.Statistics.StoredBytes, 1, 4 * _state.ByteLength);
            Assert.InRange(tree.Statistics.Forgotten, 1, 10);
            Assert.Equal(0, tree.Restore("a", [2, 3], _state));
        }

        Assert.Empty(store.List());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void States_of_a_tree_that_is_gone_are_deleted_and_those_of_others_are_not(bool inFolder)
    {
        using var folder = new TemporaryFolder();
        using var memory = new MemoryStateStore();
        IStateStore store = inFolder ? new FolderStateStore(folder.Root) : memory;
        var options = new PrefixTreeOptions { MemoryBytes = 0, Store = store };
        using var living = new PrefixTree(_model, options);
        Keep(living, "a", [1, 2]);
        living.Settle();
        // As processes leave them that were killed.
        using (var state = _model.StateOf(new[] { 1 }))
            foreach (var name in (string[])["prefix-tree-1", "prefix-tree-7", "session"]) store.Write(new StateKey(name, 0), new StoredState(state, new[] { 1 }));
        using var next = new PrefixTree(_model, options);
        Assert.Equal(["prefix-tree-0", "session"], store.List().Select(entry => entry.Key.Name));
        Assert.Equal(2, living.Restore("a", [1, 2], _state));
    }

    [Fact]
    public void A_damaged_or_missing_file_costs_a_state_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        var store = new FolderStateStore(folder.Root);
        using var tree = new PrefixTree(_model, new PrefixTreeOptions { MemoryBytes = 0, Store = store });
        foreach (var length in (int[])[1, 2, 3])
        {
            Keep(tree, "a", ((int[])[4, 5, 6])[..length]);
            tree.Settle();
        }

        var files = store.List().Select(entry => store.PathOf(entry.Key)).ToArray();
        File.WriteAllBytes(files[2], [1, 2, 3]);
        File.Delete(files[1]);
        Assert.Equal(1, tree.Restore("a", [4, 5, 6], _state));
        Assert.Equal(1, _state.TokenCount);
        Assert.Equal(2, tree.Statistics.Forgotten);
    }

    [Fact]
    public void The_end_of_a_longer_prompt_thins_the_rungs_before_it_but_not_the_ends_of_messages()
    {
        using var tree = new PrefixTree(_model);
        var ids = SessionModels.Ids(1000, 1);
        var reader = new PromptReader(_model, tree);
        reader.Read("a", ids.AsMemory(0, 300), _state);
        Assert.Equal([.. tree.Ladder(300), 300], tree.Places("a", ids));
        reader.Read("a", ids, _state, ends: [10]);
        Assert.Equal([300], tree.Places("a", ids).Except(tree.Ladder(1000)).Except([1000]));
        reader.Read("b", ids, _state, ends: [10]);
        Assert.Equal(((int[])[10, .. tree.Ladder(1000), 1000]).Order(), tree.Places("b", ids));
    }

    [Fact]
    public void An_edit_reads_again_only_from_the_nearest_kept_place()
    {
        using var tree = new PrefixTree(_model);
        var reader = new PromptReader(_model, tree);
        var ids = SessionModels.Ids(20_000, 2);
        Assert.Equal(0, reader.Read("a", ids, _state));
        Assert.Equal(20_000, _model.TakeCount());
        var edited = ids.ToArray();
        edited[18_000] ^= 1;
        var hit = reader.Read("a", edited, _state);
        Assert.Equal(20_000 - hit, _model.TakeCount());
        Assert.InRange(hit, 0.88 * 20_000, 18_000);

        // Another owner has to read all of it.
        Assert.Equal(0, reader.Read("b", edited, _state));
        Assert.Equal(20_000, _model.TakeCount());
    }

    [Fact]
    public void A_cancelled_prompt_goes_on_where_it_stopped()
    {
        using var tree = new PrefixTree(_model);
        var reader = new PromptReader(_model, tree);
        var ids = SessionModels.Ids(3000, 3);
        using var source = new CancellationTokenSource();
        var progress = new CancelAt(source, 1000);
        Assert.Throws<OperationCanceledException>(() => reader.Read("a", ids, _state, progress: progress, cancellationToken: source.Token));
        Assert.InRange(_state.TokenCount, 1000, 2999);
        reader.Continue("a", ids, _state);
        using var whole = _model.StateOf(ids);
        Assert.Equal(_model.LogitsOf(whole), _model.LogitsOf(_state));
    }

    [Fact]
    public void Threads_that_keep_and_look_up_at_once_get_right_states()
    {
        using var folder = new TemporaryFolder();
        using var tree = new PrefixTree(_model, new PrefixTreeOptions { MemoryBytes = 4 * _state.ByteLength, Store = new FolderStateStore(folder.Root), StoreBytes = 8 * _state.ByteLength });
        var prompts = Enumerable.Range(0, 12).Select(i => SessionModels.Ids(6, i / 3)[..(2 + (2 * (i % 3)))]).ToArray();
        var states = prompts.Select(ids => _model.StateOf(ids)).ToArray();
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, thread =>
        {
            using var state = _model.CreateState();
            var random = new Random(thread);
            for (var i = 0; i < 150; i++)
            {
                var pick = random.Next(prompts.Length);
                if (random.Next(2) == 0)
                {
                    tree.Keep("a", prompts[pick], states[pick]);
                    continue;
                }

                var hit = tree.Restore("a", prompts[pick], state);
                Assert.Equal(hit, state.TokenCount);
                var at = Array.FindIndex(prompts, ids => ids.AsSpan().SequenceEqual(prompts[pick].AsSpan(0, hit)));
                if (hit > 0) Assert.Equal(states[at].LastHidden, state.LastHidden);
            }
        });
        tree.Settle();
        Assert.InRange(tree.Statistics.MemoryBytes, 0, 5 * _state.ByteLength);
        foreach (var state in states) state.Dispose();
    }

    [Fact]
    public void A_state_of_other_tokens_or_another_model_is_refused()
    {
        using var tree = new PrefixTree(_model);
        using var state = _model.StateOf(new[] { 1, 2 });
        Assert.Throws<ArgumentException>(() => tree.Keep("a", [1], state));
        Assert.Throws<ArgumentException>(() => tree.Keep("a", [], state));
        using var other = FalconMambaModel.Load(SessionModels.Shipped);
        using var foreign = other.CreateState();
        Assert.Throws<StateMismatchException>(() => tree.Restore("a", [1], foreign));
        tree.Dispose();
        Assert.Throws<ObjectDisposedException>(() => tree.Restore("a", [1], state));
    }

    private void Keep(PrefixTree tree, string owner, int[] ids)
    {
        using var state = _model.StateOf(ids);
        tree.Keep(owner, ids, state);
    }

    private sealed class CancelAt(CancellationTokenSource source, int tokens) : IProgress<int>
    {
        public void Report(int value)
        {
            if (value >= tokens) source.Cancel();
        }
    }
}
