using System.Diagnostics;
using System.Globalization;
using FalconMamba.Model;
using FalconMamba.Sessions;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli.Sessions;

/// <summary>One run of <c>read</c>: from what the session has read of the documents to their end, stored now and then.</summary>
internal sealed class DocumentReading(Terminal terminal, FolderStateStore store, string model, ModelOptions modelOptions)
{
    /// <summary>The session's name.</summary>
    public required string Name { get; init; }

    /// <summary>The files, as they were named.</summary>
    public required string[] Files { get; init; }

    /// <summary>Their text.</summary>
    public required string Text { get; init; }

    /// <summary>How often the session is stored.</summary>
    public required TimeSpan Checkpoint { get; init; }

    /// <summary>Whether the result is JSON.</summary>
    public bool Json { get; init; }

    /// <summary>Runs it.</summary>
    public void Run(CancellationToken cancellationToken)
    {
        var tokenizer = Tokenizer.Load(model);
        var ids = new DocumentPrompt(tokenizer).EncodeDocument(Text);
        using var runner = ModelLoading.Load(terminal, model, modelOptions, cancellationToken);
        using var tree = new PrefixTree(runner, TreeOptions(runner, ids.Length));
        using var session = Session.Load(store, Name, runner, tokenizer, tree) ?? new Session(runner, tokenizer, tree, Name);
        var known = session.Replace(ids, [new SessionMessage("document", ids.Length)]);
        session.Notes[SessionFacts.ModelKey] = model;
        session.Notes[SessionFacts.FilesKey] = string.Join('\n', Files);
        session.Notes[SessionFacts.TextKey] = Text;
        // Penalties of 'generate --load-state' look at it.
        session.Notes[SessionTokens.PromptKey] = ids.Length.ToString(CultureInfo.InvariantCulture);
        if (known > 0 && session.UnreadCount > 0) terminal.Error.WriteLine($"{Units.Digits(known)} of {Units.Digits(ids.Length)} tokens are read already");

        OutputFile.CheckRoom(store.Folder, session.State.ByteLength * (tree.Ladder(ids.Length).Length + 2L));
        var start = Stopwatch.GetTimestamp();
        Read(session, cancellationToken);
        Tell(session, known, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    // What is forgotten before the session is stored never reaches the disk.
    private static PrefixTreeOptions TreeOptions(FalconMambaModel runner, int length)
    {
        using var state = runner.CreateState();
        var states = PrefixLadder.Positions(length, runner.PrefillChunkSize).Length + 2;
        return new PrefixTreeOptions { ChunkSize = runner.PrefillChunkSize, MemoryBytes = Math.Max(PrefixTreeOptions.DefaultMemoryBytes, states * state.ByteLength) };
    }

    private void Read(Session session, CancellationToken cancellationToken)
    {
        using var bar = new ProgressBar(terminal, "reading", session.Ids.Length, Units.Digits);
        var isStored = false;
        while (session.UnreadCount > 0)
        {
            var before = session.State.TokenCount;
            using var pause = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            pause.CancelAfter(Checkpoint);
            try
            {
                session.Read(new ReadingProgress(bar, (int)before), pause.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
            }
            finally
            {
                isStored = session.State.TokenCount > before;
                if (isStored) Store(session);
            }
        }

        // Nothing had to be read, but the files may have other names.
        if (!isStored) session.Save(store);
    }

    // On a screen the bar tells as much.
    private void Store(Session session)
    {
        session.Save(store);
        if (!terminal.ErrorIsScreen) terminal.Error.WriteLine($"stored: {Units.Digits(session.State.TokenCount)} of {Units.Digits(session.Ids.Length)} tokens");
    }

    private void Tell(Session session, int known, double seconds)
    {
        var facts = SessionFolder.Find(store, Name);
        var read = session.Ids.Length - known;
        if (Json)
        {
            JsonOutput.Write(terminal, json =>
            {
                facts.Write(json);
                json.WriteNumber("hit_tokens", known);
                json.WriteNumber("prompt_seconds", Math.Round(seconds, 6));
                json.WriteNumber("state_bytes", session.State.ByteLength);
            });
        }

        terminal.Error.WriteLine(
            $"{Name}: {Units.Digits(session.Ids.Length)} tokens, {Units.Digits(known)} of them read before; {Units.Short(seconds > 0 ? read / seconds : 0)} tokens/s; state: {Units.Bytes(session.State.ByteLength)}; on the disk: {Units.Bytes(facts.ByteLength)} in {facts.States.Count} states");
    }

    private sealed class ReadingProgress(ProgressBar bar, int read) : IProgress<int>
    {
        public void Report(int value) => bar.Report(read + value);
    }
}
