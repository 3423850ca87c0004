using System.Runtime.InteropServices;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Sessions;

/// <summary>
/// A text that a model has read and goes on with: its tokens, the state behind them, and the messages it consists of. What
/// earlier states are kept for, a branch or a way back, costs only the tokens behind the nearest of them. One call at a time.
/// </summary>
public sealed partial class Session : IDisposable
{
    private readonly IModelRunner _model;
    private readonly Tokenizer _tokenizer;
    private readonly PrefixTree _tree;
    private readonly PromptReader _reader;
    private readonly string _owner;
    private readonly List<int> _ids = [];
    private readonly List<SessionMessage> _messages = [];
    private GenerationOptions? _options;
    private TextGenerator? _generator;

    /// <summary>A session without a past.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="tree">Where earlier states are kept.</param>
    /// <param name="name">The session's name.</param>
    /// <param name="owner">Whose it is: sessions of one owner share what they have read, others do not see it.</param>
    public Session(IModelRunner model, Tokenizer tokenizer, PrefixTree tree, string name, string owner = "")
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(owner);
        (_model, _tokenizer, _tree, _owner, Name, _storedName) = (model, tokenizer, tree, owner, name, name);
        _reader = new PromptReader(model, tree);
        State = model.CreateState();
    }

    /// <summary>The session's name.</summary>
    public string Name { get; }

    /// <summary>The state: it has read the first <see cref="RecurrentState.TokenCount"/> of <see cref="Ids"/>.</summary>
    public RecurrentState State { get; }

    /// <summary>The session's tokens; valid until it changes.</summary>
    public ReadOnlySpan<int> Ids => CollectionsMarshal.AsSpan(_ids);

    /// <summary>How many of the tokens are not read yet: the last one of an answer, or what a cancelled call left.</summary>
    public int UnreadCount => _ids.Count - (int)State.TokenCount;

    /// <summary>The messages, oldest first.</summary>
    public IReadOnlyList<SessionMessage> Messages => _messages;

    /// <summary>Strings that are stored with the session.</summary>
    public Dictionary<string, string> Notes { get; } = [];

    /// <summary>Adds a message and reads it.</summary>
    /// <param name="text">Its text, as the model is to see it.</param>
    /// <param name="role">Who wrote it, or what it is: a word.</param>
    /// <param name="progress">Told how many tokens are read.</param>
    /// <param name="cancellationToken">Looked at inside long texts; the message then counts, and <see cref="Read"/> goes on with it.</param>
    /// <exception cref="ArgumentException">The role is no word.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Append(string text, string role = "text", IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        if (!SessionNotes.IsRole(role)) throw new ArgumentException($"A role is a word, \"{role}\" was given.", nameof(role));
        _ids.AddRange(_tokenizer.Encode(text, addSpecialTokens: _ids.Count == 0));
        _messages.Add(new SessionMessage(role, _ids.Count));
        Read(progress, cancellationToken);
    }

    /// <summary>
    /// Makes the session consist of other tokens: what it has read of them stays, or else the nearest place before that a
    /// state is kept for. Nothing is read yet.
    /// </summary>
    /// <param name="ids">The tokens.</param>
    /// <param name="messages">Their messages; null for those of the old ones that are still whole.</param>
    /// <returns>How many of the tokens do not have to be read.</returns>
    /// <exception cref="ArgumentException">A message ends behind the tokens, or before the one before it, or its role is no word.</exception>
    public int Replace(ReadOnlySpan<int> ids, IReadOnlyList<SessionMessage>? messages = null)
    {
        var agreed = Ids.CommonPrefixLength(ids);
        messages ??= [.. _messages.TakeWhile(message => message.End <= agreed)];
        for (var i = 0; i < messages.Count; i++)
        {
            if (!SessionNotes.IsRole(messages[i].Role)) throw new ArgumentException($"A role is a word, \"{messages[i].Role}\" was given.", nameof(messages));
            if (messages[i].End > ids.Length || messages[i].End < (i > 0 ? messages[i - 1].End : 0))
                throw new ArgumentException($"A message ends behind {messages[i].End} of {ids.Length} tokens, which is no place for it.", nameof(messages));
        }

        // At every step the state has read the first of the tokens, whatever fails.
        if (State.TokenCount > agreed) State.Reset();
        _ids.RemoveRange(agreed, _ids.Count - agreed);
        _ids.AddRange(ids[agreed..]);
        _messages.Clear();
        _messages.AddRange(messages);
        GoForward();
        return (int)State.TokenCount;
    }

    /// <summary>Puts the session back behind one of its messages.</summary>
    /// <param name="count">How many messages are left; 0 for none.</param>
    /// <returns>How many tokens have to be read again, which the next call does.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer messages.</exception>
    public int Rewind(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)_messages.Count, nameof(count));
        Replace(Ids[..(count == 0 ? 0 : _messages[count - 1].End)].ToArray(), [.. _messages.Take(count)]);
        return UnreadCount;
    }

    /// <summary>Reads what is not read yet.</summary>
    /// <param name="progress">Told how many tokens are read.</param>
    /// <param name="cancellationToken">Looked at inside long texts; a later call goes on.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Read(IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        if (UnreadCount == 0) return;
        GoForward();
        _reader.Continue(_owner, _ids.ToArray(), State, _messages.Select(message => message.End), progress, cancellationToken);
    }

    /// <summary>Generates a message.</summary>
    /// <param name="options">How tokens are chosen and when to stop; null for the defaults.</param>
    /// <param name="role">Whose message it is: a word.</param>
    /// <param name="progress">Told how many tokens are read before it begins.</param>
    /// <param name="cancellationToken">Looked at before every token; what came until then is the message.</param>
    /// <returns>Pieces of text as they become certain.</returns>
    /// <exception cref="ArgumentException">There is nothing to go on from, or a setting makes no sense.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<string> Generate(
        GenerationOptions? options = null, string role = "assistant", IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        if (!SessionNotes.IsRole(role)) throw new ArgumentException($"A role is a word, \"{role}\" was given.", nameof(role));
        return Stream(GeneratorFor(options), role, progress, cancellationToken);
    }

    /// <summary>Generates a message with a generator of the caller, which then tells its ids and why it ended.</summary>
    /// <param name="generator">A generator of the session's model.</param>
    /// <param name="role"><inheritdoc cref="Generate(GenerationOptions?, string, IProgress{int}?, CancellationToken)" path="/param[@name='role']"/></param>
    /// <param name="cancellationToken"><inheritdoc cref="Generate(GenerationOptions?, string, IProgress{int}?, CancellationToken)" path="/param[@name='cancellationToken']"/></param>
    /// <inheritdoc cref="Generate(GenerationOptions?, string, IProgress{int}?, CancellationToken)"/>
    public IEnumerable<string> Generate(TextGenerator generator, string role, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(generator);
        if (!SessionNotes.IsRole(role)) throw new ArgumentException($"A role is a word, \"{role}\" was given.", nameof(role));
        return Stream(generator, role, progress: null, cancellationToken);
    }

    /// <summary>Another session with the same past, which goes its own way.</summary>
    /// <param name="name">Its name.</param>
    public Session Branch(string name)
    {
        var branch = new Session(_model, _tokenizer, _tree, name, _owner);
        branch.State.CopyFrom(State);
        branch._ids.AddRange(_ids);
        branch._messages.AddRange(_messages);
        foreach (var (key, value) in Notes) branch.Notes[key] = value;
        (branch._store, branch._storedName, branch._storedIds) = (_store, _storedName, _storedIds);
        branch._storedPlaces.UnionWith(_storedPlaces);
        return branch;
    }

    /// <summary>Releases the state; what the tree keeps stays there.</summary>
    public void Dispose()
    {
        State.Dispose();
        _generator?.Dispose();
    }

    // With the options of the message before, an assistant goes on from where it is.
    private TextGenerator GeneratorFor(GenerationOptions? options)
    {
        if (_generator is not null && ReferenceEquals(options, _options)) return _generator;
        var generator = new TextGenerator(_model, _tokenizer, options);
        _generator?.Dispose();
        (_generator, _options) = (generator, options);
        return generator;
    }

    private IEnumerable<string> Stream(TextGenerator generator, string role, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        Read(progress, cancellationToken);
        var history = new TokenHistory(Ids);
        var start = _ids.Count;
        try
        {
            foreach (var piece in generator.Generate(State, ReadOnlyMemory<int>.Empty, history, cancellationToken: cancellationToken)) yield return piece;
        }
        finally
        {
            _ids.AddRange(history.Ids[start..]);
            if (_ids.Count > start) _messages.Add(new SessionMessage(role, _ids.Count));
        }
    }

    /// <summary>Moves the state to the furthest place in the tokens that costs nothing.</summary>
    private void GoForward()
    {
        if (_tree.Find(_owner, Ids) > State.TokenCount) _tree.Advance(_owner, Ids, State);
        if (_store is not null) RestoreFromStore();
    }
}
