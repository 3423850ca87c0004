using System.Diagnostics;
using System.Globalization;
using System.Text;
using FalconMamba.Cli.Sessions;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Sessions;

namespace FalconMamba.Cli.Chat;

/// <summary>A model in conversation: renders the messages, reads what is new of them and generates the answer.</summary>
internal sealed class ChatSession : IDisposable
{
    // What the library's session is called until the conversation is stored.
    private const string Unnamed = "chat";

    private readonly Terminal _terminal;
    private readonly string _path;
    private readonly FalconMambaModel _model;
    private readonly PrefixTree _tree;
    private Session _session;
    private ChatPrompt? _prompt;
    private GenerationOptions? _options;
    private TextGenerator? _generator;

    /// <param name="terminal">Where progress is shown.</param>
    /// <param name="history">The messages.</param>
    /// <param name="path">The model's folder or file.</param>
    /// <param name="model">The model that answers; disposed with the session.</param>
    public ChatSession(Terminal terminal, ChatHistory history, string path, FalconMambaModel model)
    {
        (_terminal, History, _path, _model) = (terminal, history, path, model);
        _tree = new PrefixTree(model, new PrefixTreeOptions { ChunkSize = model.PrefillChunkSize });
        _session = new Session(model, history.Tokenizer, _tree, Unnamed);
    }

    /// <summary>The messages so far.</summary>
    public ChatHistory History { get; private set; }

    /// <summary>How many tokens the conversation has, and how many of them are not read yet.</summary>
    public (int All, int Unread) Tokens => (_session.Ids.Length, _session.UnreadCount);

    /// <summary>Answers a message. One that is stopped counts as far as it came; where nothing came, the message does not count.</summary>
    /// <param name="message">The message.</param>
    /// <param name="options">How to generate.</param>
    /// <param name="emit">Told the pieces of the answer.</param>
    /// <param name="cancellationToken">Stops the answer.</param>
    public ChatReply Answer(string message, GenerationOptions options, Action<string> emit, CancellationToken cancellationToken)
    {
        var (ids, messages) = (_session.Ids.ToArray(), _session.Messages.ToArray());
        History.Ask(message);
        var text = new StringBuilder();
        ChatReply? reply = null;
        try
        {
            reply = Generate(options, text, emit, cancellationToken);
            return reply;
        }
        finally
        {
            if (reply is { Counts: true })
            {
                History.Answer(reply.Text, _session.Ids[_session.Messages[^2].End..]);
            }
            else
            {
                History.TakeBack();
                _session.Replace(ids, messages);
            }
        }
    }

    /// <summary>Takes the last question and its answer back, and goes back to the state before them.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Undo()
    {
        if (!History.Undo()) return false;
        _session.Rewind(_session.Messages.Count - 2);
        return true;
    }

    /// <summary>Stores the conversation, and goes on under that name.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Save(FolderStateStore store, string name)
    {
        if (_session.Name != name)
        {
            var named = _session.Branch(name);
            _session.Dispose();
            _session = named;
        }

        // The last token of an answer that ended at its greatest length.
        if (_session.UnreadCount == 1) _session.Read();
        _session.Notes.Clear();
        _session.Notes[SessionFacts.ModelKey] = _path;
        _session.Notes[SessionFacts.ChatKey] = ChatNotes.Write(History);
        // Penalties of 'generate --load-state' look at it.
        _session.Notes[SessionTokens.PromptKey] = _session.Ids.Length.ToString(CultureInfo.InvariantCulture);
        _session.Save(store);
        History.IsChanged = false;
    }

    /// <summary>Goes on with a stored conversation, or with a document that was read, in place of this one.</summary>
    /// <exception cref="CommandException">It is neither, or damaged.</exception>
    /// <exception cref="StateMismatchException">It is another model's.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public void Load(FolderStateStore store, SessionFacts facts)
    {
        if (!facts.IsChat && facts.Text is null) throw new CommandException($"The session {facts.Name} holds no conversation and no document: 'falcon-mamba generate --load-state' goes on from what 'falcon-mamba sessions export' gives.");
        var session = Session.Load(store, facts.Name, _model, History.Tokenizer, _tree) ?? throw new CommandException($"The session {facts.Name} was deleted meanwhile.");
        try
        {
            History = facts.IsChat
                ? ChatNotes.Read(facts.Name, session, History.Tokenizer)
                : new ChatHistory(History.Tokenizer, system: null) { File = facts.Text + DocumentPrompt.Separator, IsChanged = false };
        }
        catch
        {
            session.Dispose();
            throw;
        }

        _session.Dispose();
        _session = session;
    }

    /// <summary>What the conversation takes.</summary>
    public IEnumerable<string> Describe()
    {
        yield return $"conversation: {History.Count} messages, {_session.State.TokenCount} tokens in the state{(History.System is { } system ? $", system message: {ScreenLine.Of(system)}" : "")}";
        var kept = _tree.Statistics;
        yield return $"state: {Units.Bytes(_session.State.ByteLength)}, whatever its length; kept to go back to: {kept.MemoryStates} ({Units.Bytes(kept.MemoryBytes)})";
        yield return $"memory: {ResidentMemory.Now()}";
    }

    public void Dispose()
    {
        _generator?.Dispose();
        _session.Dispose();
        _tree.Dispose();
        _model.Dispose();
    }

    private ChatReply Generate(GenerationOptions options, StringBuilder text, Action<string> emit, CancellationToken cancellationToken)
    {
        var prompt = _prompt = new ChatPrompt(History, _prompt);
        var generator = GeneratorFor(options);
        var timings = new GenerationTimings
        {
            PromptTokens = prompt.Ids.Length - _session.Replace(prompt.Ids, prompt.Messages),
            PrefillChunkSize = _model.PrefillChunkSize,
            StateBytes = _session.State.ByteLength,
        };
        // What is stopped before the answer begins has none: the generator still holds the one before.
        TextGenerator? answer = null;
        var isStopped = false;
        var start = Stopwatch.GetTimestamp();
        try
        {
            using (var bar = new ProgressBar(_terminal, "reading", timings.PromptTokens, Units.Digits))
            {
                try
                {
                    _session.Read(bar, cancellationToken);
                }
                finally
                {
                    timings.PromptSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                }
            }

            answer = generator;
            foreach (var piece in _session.Generate(generator, ChatTurn.Assistant, cancellationToken))
            {
                text.Append(piece);
                emit(piece);
            }
        }
        catch (OperationCanceledException)
        {
            isStopped = true;
        }

        if (answer?.FinishReason == FinishReason.StopId) DropLast();
        timings.GeneratedTokens = answer?.Ids.Count ?? 0;
        timings.GenerationSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds - timings.PromptSeconds;
        if (options.AssistantModel is not null || options.PromptLookupNumTokens is not null) timings.Speculation = answer?.Speculation ?? default;
        timings.PeakBytes = ResidentMemory.Now().Peak;
        return new ChatReply
        {
            Text = text.ToString(),
            Ids = answer?.Ids ?? [],
            Details = answer?.Details ?? [],
            FinishReason = answer?.FinishReason ?? FinishReason.None,
            IsStopped = isStopped,
            ConversationTokens = prompt.Ids.Length,
            Timings = timings,
        };
    }

    // With the options of the answer before, an assistant goes on from where it is.
    private TextGenerator GeneratorFor(GenerationOptions options)
    {
        if (_generator is not null && ReferenceEquals(options, _options)) return _generator;
        var generator = new TextGenerator(_model, History.Tokenizer, options);
        _generator?.Dispose();
        (_generator, _options) = (generator, options);
        return generator;
    }

    // The token that ended the answer is no part of it: the template writes its own.
    private void DropLast()
    {
        var ids = _session.Ids[..^1].ToArray();
        _session.Replace(ids, [.. _session.Messages.SkipLast(1), new SessionMessage(ChatTurn.Assistant, ids.Length)]);
    }
}
