using FalconMamba.Sessions;

namespace FalconMamba.Tests.Sessions;

public sealed class StateStoreTests : IDisposable
{
    private readonly CountingModel _model = SessionModels.Tiny();
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Names => ["notes", "Notes", "../../etc/passwd", "/", "..", ".", "con", "NUL", "a b", "你好 é", "x.y", "%41", new string('n', 200)];

    public void Dispose()
    {
        _folder.Dispose();
        _model.Dispose();
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Any_name_stays_inside_the_folder_and_comes_back(string name)
    {
        var store = new FolderStateStore(_folder["store"]);
        Write(store, new StateKey(name), 1, 2);
        Write(store, new StateKey(name, 1), 1);
        Assert.Equal([new StateKey(name), new StateKey(name, 1)], store.List().Select(entry => entry.Key));
        Assert.Equal([_folder["store"]], Directory.EnumerateFileSystemEntries(_folder.Root));
        var folder = Assert.Single(Directory.EnumerateDirectories(_folder["store"]));
        Assert.Matches("^[-_a-z0-9%]+$", Path.GetFileName(folder));
        using var stored = store.Read(new StateKey(name), _model);
        Assert.Equal([1, 2], stored!.Ids.ToArray());
        Assert.True(Session.Delete(store, name));
        Assert.False(Session.Delete(store, name));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder["store"]));
    }

    [Fact]
    public void Names_that_differ_in_capitals_only_are_two_on_every_system()
    {
        var store = new FolderStateStore(_folder.Root);
        Write(store, new StateKey("notes"), 1);
        Write(store, new StateKey("Notes"), 2);
        Assert.Equal(2, Directory.EnumerateDirectories(_folder.Root).Select(folder => folder.ToUpperInvariant()).Distinct().Count());
    }

    [Fact]
    public void A_name_that_is_no_text_is_refused()
    {
        foreach (var name in (string[])["", "\ud800"]) Assert.ThrowsAny<ArgumentException>(() => new FolderStateStore(_folder.Root).List(name));
    }

    [Fact]
    public void A_name_that_is_too_long_is_refused() =>
        Assert.Contains("shorter", Assert.Throws<ArgumentException>(() => new FolderStateStore(_folder.Root).TryLock(new string('é', 100))).Message, StringComparison.Ordinal);

    [Fact]
    public void Files_that_are_no_states_are_refused_in_one_sentence()
    {
        var store = new FolderStateStore(_folder.Root);
        var key = new StateKey("s");
        Write(store, key, 1, 2, 3);
        var path = store.PathOf(key);
        var whole = File.ReadAllBytes(path);
        Refused(whole[..^1]);
        Refused(whole[..100]);
        Refused([]);
        foreach (var (name, value) in ((string, string?)[])[(StoredState.IdsKey, null), (StoredState.IdsKey, "1 x 3"), (StoredState.IdsKey, "1 2"), (StoredState.IdsKey, "1 2 -3")])
        {
            using (var state = _model.StateOf(new[] { 1, 2, 3 })) state.Save(path, value is null ? null : new Dictionary<string, string> { [name] = value });
            Assert.Throws<MalformedFileException>(() => store.Read(key, _model));
        }

        // A stranger's file or folder among them is no session.
        File.WriteAllText(_folder["note.txt"], "hello");
        Directory.CreateDirectory(_folder["Not Encoded"]);
        File.WriteAllText(Path.Combine(Path.GetDirectoryName(path)!, "other.safetensors"), "hello");
        Assert.Equal([key], store.List().Select(entry => entry.Key));

        void Refused(byte[] bytes)
        {
            File.WriteAllBytes(path, bytes);
            Assert.Throws<MalformedFileException>(() => store.Read(key, _model));
        }
    }

    [Fact]
    public void One_at_a_time_claims_a_name()
    {
        using var memory = new MemoryStateStore();
        foreach (var store in (IStateStore[])[new FolderStateStore(_folder.Root), memory])
        {
            var first = store.TryLock("s");
            Assert.NotNull(first);
            Assert.Null(store.TryLock("s"));
            using (var other = store.TryLock("t")) Assert.NotNull(other);
            first.Dispose();
            using var again = store.TryLock("s");
            Assert.NotNull(again);
            Assert.Empty(store.List());
        }
    }

    [Fact]
    public void Who_claims_a_name_clears_what_was_left_half_written()
    {
        var (store, key) = (new FolderStateStore(_folder.Root), new StateKey("s"));
        Write(store, key, 1);
        var half = store.PathOf(key) + ".1.tmp";
        File.WriteAllText(half, "half");
        using (store.TryLock("s")) Assert.False(File.Exists(half));
        Assert.True(store.Delete(key));
        Assert.False(Directory.Exists(Path.GetDirectoryName(half)));
    }

    [Fact]
    public async Task Who_reads_while_others_write_gets_one_of_their_states_whole()
    {
        var key = new StateKey("s");
        Write(new FolderStateStore(_folder.Root), key, 0, 0);
        var writers = Enumerable.Range(0, 2).Select(writer => Task.Run(() =>
        {
            var store = new FolderStateStore(_folder.Root);
            for (var i = 0; i < 20; i++) Write(store, key, writer, i);
        })).ToArray();
        var reads = 0;
        while (!Task.WhenAll(writers).IsCompleted || reads == 0)
        {
            using var stored = new FolderStateStore(_folder.Root).Read(key, _model);
            using var expected = _model.StateOf(stored!.Ids);
            Assert.Equal(expected.LastHidden, stored.State.LastHidden);
            reads++;
        }

        await Task.WhenAll(writers);
        Assert.Equal([store(key)], Directory.EnumerateFiles(_folder.Root, "*", SearchOption.AllDirectories));

        string store(StateKey of) => new FolderStateStore(_folder.Root).PathOf(of);
    }

    private void Write(FolderStateStore store, StateKey key, params int[] ids)
    {
        using var state = _model.StateOf(ids);
        store.Write(key, new StoredState(state, ids));
    }
}
