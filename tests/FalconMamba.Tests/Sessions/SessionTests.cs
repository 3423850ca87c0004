using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Sessions;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Sessions;

public sealed class SessionTests : IDisposable
{
    private static readonly GenerationOptions Drawing = new() { DoSample = true, TopK = 0, MaxNewTokens = 12, Seed = 3, IgnoreEos = true };

    private readonly CountingModel _model = new(FalconMambaModel.Load(SessionModels.Shipped, new ModelOptions { Deterministic = true }));
    private readonly Tokenizer _tokenizer = Tokenizer.FromFolder(SessionModels.Shipped);
    private readonly PrefixTree _tree;

    public SessionTests() => _tree = new PrefixTree(_model);

    public void Dispose()
    {
        _tree.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void A_session_is_bit_for_bit_what_its_tokens_are_without_one()
    {
        using var session = Begun();
        var answer = Answer(session);
        session.Append("\nJULIET:", "user");
        var second = Answer(session);
        Assert.Equal(["user", "assistant", "user", "assistant"], session.Messages.Select(message => message.Role));
        Assert.Equal(1, session.UnreadCount);

        using var fresh = _model.StateOf(session.Ids[..session.Messages[2].End].ToArray());
        var again = new TextGenerator(_model, _tokenizer, Drawing).Generate(fresh, ReadOnlyMemory<int>.Empty, new TokenHistory(session.Ids[..session.Messages[2].End]));
        Assert.Equal(second, string.Concat(again));
        Assert.NotEqual(answer, second);
    }

    [Fact]
    public void The_place_of_a_stored_head_is_kept_when_the_session_goes_on()
    {
        using var store = new MemoryStateStore();
        using (var session = Begun()) session.Save(store);
        using (var tree = new PrefixTree(_model))
        {
            using var loaded = Session.Load(store, "play", _model, _tokenizer, tree)!;
            loaded.Append("\nJULIET:", "user");
            loaded.Save(store);
        }

        using var later = new PrefixTree(_model);
        using var again = Session.Load(store, "play", _model, _tokenizer, later)!;
        Assert.Equal((2, 0), (again.Messages.Count, again.Rewind(1)));
    }

    [Fact]
    public void A_message_that_could_not_be_stored_is_refused()
    {
        using var session = Begun();
        Assert.Throws<ArgumentException>(() => session.Replace(session.Ids, [new SessionMessage("my role", 1)]));
    }

    [Fact]
    public void A_branch_goes_its_own_way_and_reads_nothing_again()
    {
        using var session = Begun();
        _model.TakeCount();
        using var branch = session.Branch("other");
        branch.Append("\nROMEO:\nAy me!", "user");
        Assert.Equal(branch.Ids.Length - session.Ids.Length, _model.TakeCount());
        Assert.Equal((1, 2), (session.Messages.Count, branch.Messages.Count));
        var answer = Answer(session);
        using var same = session.Branch("same");
        same.Rewind(1);
        Assert.Equal(answer, Answer(same));
    }

    [Fact]
    public void A_way_back_to_a_message_costs_nothing_while_its_end_is_kept()
    {
        using var session = Begun();
        var answer = Answer(session);
        session.Append("\nJULIET:", "user");
        _model.TakeCount();
        Assert.Equal(0, session.Rewind(1));
        Assert.Equal(answer, Answer(session));
        Assert.Equal(11, _model.TakeCount());
        Assert.Equal(0, session.Rewind(0));
        Assert.Equal((0, 0L), (session.Ids.Length, session.State.TokenCount));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Rewind(1));

        // With nothing kept it costs what lies before it.
        using var forgotten = Begun();
        _ = Answer(forgotten);
        _tree.Forget("");
        Assert.Equal(forgotten.Messages[0].End, forgotten.Rewind(1));
        Assert.Equal(answer, Answer(forgotten));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_stored_session_goes_on_and_back_in_another_process(bool inFolder)
    {
        using var folder = new TemporaryFolder();
        using var memory = new MemoryStateStore();
        IStateStore store = inFolder ? new FolderStateStore(folder.Root) : memory;
        string next;
        int end;
        using (var session = Begun())
        {
            _ = Answer(session);
            session.Notes["title"] = "a play";
            session.Save(store);
            session.Append("\nJULIET:", "user");
            next = Answer(session);
            session.Save(store);
            end = session.Messages[0].End;
        }

        using var tree = new PrefixTree(_model);
        using var loaded = Session.Load(store, "play", _model, _tokenizer, tree)!;
        Assert.Equal((4, "a play", 1), (loaded.Messages.Count, loaded.Notes["title"], loaded.Notes.Count));
        _model.TakeCount();
        Assert.Equal(0, loaded.Rewind(3));
        Assert.Equal(next, Answer(loaded));
        Assert.Equal(11, _model.TakeCount());
        Assert.Equal(0, loaded.Rewind(1));
        Assert.Equal(end, loaded.State.TokenCount);

        // What no longer belongs to it leaves the store with the next save.
        loaded.Save(store);
        Assert.Equal([new StateKey("play")], store.List("play").Select(entry => entry.Key).Where(key => !(key.Position <= end)));
        Assert.Null(Session.Load(store, "absent", _model, _tokenizer, tree));
    }

    [Fact]
    public void A_stored_place_that_is_damaged_costs_its_tokens_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        var store = new FolderStateStore(folder.Root);
        string answer;
        int end;
        using (var session = Begun())
        {
            answer = Answer(session);
            session.Save(store);
            end = session.Messages[0].End;
        }

        File.WriteAllText(store.PathOf(new StateKey("play", end)), "damaged");
        using var tree = new PrefixTree(_model);
        using var loaded = Session.Load(store, "play", _model, _tokenizer, tree)!;
        Assert.Equal(end, loaded.Rewind(1));
        Assert.Equal(answer, Answer(loaded));
    }

    [Fact]
    public void A_branch_of_a_stored_session_goes_back_and_is_stored_with_its_places()
    {
        using var store = new MemoryStateStore();
        using (var session = Begun())
        {
            _ = Answer(session);
            session.Append("\nJULIET:", "user");
            session.Save(store);
        }

        // Another process: only the store has the places.
        using (var tree = new PrefixTree(_model))
        {
            using var loaded = Session.Load(store, "play", _model, _tokenizer, tree)!;
            using var branch = loaded.Branch("other");
            branch.Save(store);
            Assert.Equal(0, branch.Rewind(1));

            // All is taken back and comes again: the places are still good.
            var ids = loaded.Ids.ToArray();
            loaded.Rewind(0);
            Assert.Equal(ids.Length, loaded.Replace(ids));
        }

        Assert.Equal(Places("play"), Places("other"));
        using var later = new PrefixTree(_model);
        using var other = Session.Load(store, "other", _model, _tokenizer, later)!;
        Assert.Equal(0, other.Rewind(2));
        Assert.Equal(0, other.Rewind(1));

        long?[] Places(string name) => [.. store.List(name).Select(entry => entry.Key.Position)];
    }

    [Fact]
    public void A_message_is_generated_by_a_generator_that_tells_of_it()
    {
        using var session = Begun();
        var generator = new TextGenerator(_model, _tokenizer, Drawing);
        var text = string.Concat(session.Generate(generator, "assistant", TestContext.Current.CancellationToken));
        Assert.Equal(session.Ids[session.Messages[0].End..], generator.Ids.ToArray());
        using var same = Begun();
        Assert.Equal(text, Answer(same));
        Assert.Throws<ArgumentException>(() => session.Generate(generator, "two words", TestContext.Current.CancellationToken));
    }

    [Fact]
    public void What_a_cancelled_call_read_is_found_again()
    {
        using var session = Begun();
        using var source = new CancellationTokenSource();
        var text = string.Concat(Enumerable.Repeat("To be, or not to be. ", 400));
        Assert.Throws<OperationCanceledException>(() => session.Append(text, "document", new Canceller(source), source.Token));
        var (read, ids) = ((int)session.State.TokenCount, session.Ids.ToArray());
        Assert.InRange(read, session.Messages[0].End + 1, ids.Length - 1);
        session.Rewind(1);
        Assert.Equal(read, session.Replace(ids));
    }

    [Fact]
    public void A_best_beam_that_is_cancelled_while_it_is_read_leaves_a_state_of_the_sessions_tokens()
    {
        using var source = new CancellationTokenSource();
        using var model = new InterruptedModel(FalconMambaModel.Load(SessionModels.Shipped, new ModelOptions { Deterministic = true, PrefillChunkSize = 4 }));
        using var tree = new PrefixTree(model);
        using var session = new Session(model, _tokenizer, tree, "play");
        session.Append("ROMEO:", "user");
        model.Interrupts = source;
        Assert.Throws<OperationCanceledException>(() => string.Concat(session.Generate(new() { NumBeams = 2, MaxNewTokens = 12, IgnoreEos = true }, cancellationToken: source.Token)));
        Assert.InRange(session.UnreadCount, 1, 8);
        AssertIsBehindItsTokens(session);
    }

    [Fact]
    public void A_kept_state_that_is_lost_costs_nothing_that_the_session_has_read()
    {
        using var folder = new TemporaryFolder();
        using var tree = new PrefixTree(_model, new PrefixTreeOptions { MemoryBytes = 0, Store = new FolderStateStore(folder.Root) });
        using var longer = new Session(_model, _tokenizer, tree, "longer");
        longer.Append("ROMEO:\nBut soft, what light through yonder window breaks?\n");
        var ids = longer.Ids.ToArray();
        using var session = new Session(_model, _tokenizer, tree, "play");
        session.Replace(ids.AsSpan(..10));
        session.Read();
        tree.Settle();
        foreach (var file in Directory.EnumerateFiles(folder.Root, "*.safetensors", SearchOption.AllDirectories)) File.Delete(file);
        Assert.Equal(10, session.Replace(ids));
    }

    [Fact]
    public void A_store_that_fails_leaves_a_state_of_the_sessions_tokens()
    {
        using var store = new WaitingStore();
        store.Release.Set();
        using (var first = Begun())
        {
            foreach (var text in (string[])["It is the east,", " and Juliet is the sun.", " Arise!"]) first.Append(text);
            first.Save(store);
        }

        using var tree = new PrefixTree(_model);
        using var session = Session.Load(store, "play", _model, _tokenizer, tree)!;
        var (ids, ends) = (session.Ids.ToArray(), session.Messages.Select(message => message.End).ToArray());
        tree.Forget("");
        using var other = new Session(_model, _tokenizer, tree, "other");
        other.Replace(ids.AsSpan(..ends[1]));
        other.Read();
        session.Replace([.. ids[..ends[0]], 5, 6]);
        session.Read();
        store.Failure = new NotSupportedException("The store is gone.");
        Assert.Throws<NotSupportedException>(() => session.Replace(ids));
        store.Failure = null;
        AssertIsBehindItsTokens(session);
    }

    [Fact]
    public void A_session_that_was_stored_while_it_read_goes_on_reading()
    {
        using var store = new MemoryStateStore();
        using var session = new Session(_model, _tokenizer, _tree, "long");
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => session.Append(string.Concat(Enumerable.Repeat("To be, or not to be. ", 200)), "document", cancellationToken: source.Token));
        Assert.Equal(session.Ids.Length, session.UnreadCount);
        session.Save(store);
        using var loaded = Session.Load(store, "long", _model, _tokenizer, _tree)!;
        loaded.Read();
        Assert.Equal(0, loaded.UnreadCount);
        session.Read();
        Assert.Equal(session.State.LastHidden, loaded.State.LastHidden);
    }

    [Fact]
    public void Another_text_keeps_what_agrees()
    {
        using var session = Begun();
        var ids = session.Ids.ToArray();
        session.Append(" and more", "user");
        Assert.Equal(ids.Length, session.Replace([.. ids, 5, 6]));
        Assert.Equal((2, 1), (session.UnreadCount, session.Messages.Count));
        Assert.Throws<ArgumentException>(() => session.Replace(ids, [new SessionMessage("user", ids.Length + 1)]));
        Assert.Throws<ArgumentException>(() => session.Append("x", "two words"));
    }

    [Theory]
    [InlineData("session.messages", "user:5 user:4")]
    [InlineData("session.messages", "user:500")]
    [InlineData("session.messages", "user")]
    [InlineData("session.messages", "user:-1")]
    [InlineData("tokens.ids", "1 2 3 999999")]
    public void A_damaged_session_is_refused(string key, string value)
    {
        using var folder = new TemporaryFolder();
        var store = new FolderStateStore(folder.Root);
        var path = store.PathOf(new StateKey("s"));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using (var state = _model.StateOf(new[] { 1, 2, 3 })) state.Save(path, new Dictionary<string, string> { ["tokens.ids"] = "1 2 3 4 5", [key] = value });
        Assert.Contains("expected", Assert.Throws<MalformedFileException>(() => Session.Load(store, "s", _model, _tokenizer, _tree)).Message, StringComparison.Ordinal);
    }

    private static string Answer(Session session) => string.Concat(session.Generate(Drawing));

    private void AssertIsBehindItsTokens(Session session)
    {
        session.Read();
        using var fresh = _model.StateOf(session.Ids.ToArray());
        Assert.Equal(fresh.LastHidden, session.State.LastHidden);
    }

    private Session Begun()
    {
        var session = new Session(_model, _tokenizer, _tree, "play");
        session.Append("ROMEO:\nBut soft, what light through yonder window breaks?\n", "user");
        return session;
    }

    /// <summary>Cancels what reports to it.</summary>
    private sealed class Canceller(CancellationTokenSource source) : IProgress<int>
    {
        public void Report(int value) => source.Cancel();
    }

    /// <summary>A model whose readings without logits are cancelled behind their first pass, when they are to be.</summary>
    private sealed class InterruptedModel(FalconMambaModel model) : IModelRunner
    {
        public CancellationTokenSource? Interrupts { get; set; }

        public FalconMambaConfig Config => model.Config;

        public string Fingerprint => model.Fingerprint;

        public RecurrentState CreateState() => model.CreateState();

        public void Forward(
            ReadOnlySpan<Chunk> chunks, Span<float> logits, Span<float> hidden = default, IActivationTap? tap = null, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
        {
            if (chunks[0].Logits == RowSelection.None && Interrupts is { IsCancellationRequested: false } source) progress = new Canceller(source);
            model.Forward(chunks, logits, hidden, tap, progress, cancellationToken);
        }

        public void RollBack(RecurrentState state, long tokenCount) => model.RollBack(state, tokenCount);

        public void Dispose() => model.Dispose();
    }
}
