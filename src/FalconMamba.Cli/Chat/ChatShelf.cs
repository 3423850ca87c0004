using FalconMamba.Cli.Sessions;
using FalconMamba.Sessions;

namespace FalconMamba.Cli.Chat;

/// <summary>
/// Where a conversation is kept: under a name among the sessions, once it has one. It is then stored whenever it is left, and
/// no other process takes the name meanwhile.
/// </summary>
internal sealed class ChatShelf(ChatSession chat) : IDisposable
{
    private FolderStateStore? _store;
    private IDisposable? _claim;

    /// <summary>The conversation's name; null while it has none.</summary>
    public string? Name { get; private set; }

    // A chat that keeps nothing needs no place for it.
    private FolderStateStore Store => _store ??= SessionFolder.Open();

    /// <summary>Goes on with what is stored under a name, or begins it where nothing is.</summary>
    /// <returns>What is stored; null where it is new.</returns>
    /// <exception cref="CommandException">It is damaged or in use.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public SessionFacts? Open(string name)
    {
        if (Store.ReadNotes(new StateKey(name)) is not null) return Load(name);
        Take(name, ClaimNew(name));
        return null;
    }

    /// <summary>Stores the conversation.</summary>
    /// <param name="name">A name that nothing is stored under; null for its own.</param>
    /// <exception cref="CommandException">It has no name, or the name is taken.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public SessionFacts Save(string? name)
    {
        name ??= Name ?? throw new UsageException("/save takes a name, the conversation has none yet");
        if (name == Name)
        {
            chat.Save(Store, name);
        }
        else
        {
            var claim = ClaimNew(name);
            try
            {
                Leave();
                chat.Save(Store, name);
            }
            catch
            {
                DeleteRest(name);
                claim.Dispose();
                throw;
            }

            Take(name, claim);
        }

        return SessionFolder.Find(Store, name);
    }

    /// <summary>Goes on with what is stored under a name: a conversation, or a document, which keeps its name to itself.</summary>
    /// <exception cref="CommandException">There is nothing, it is damaged or in use, or the conversation would be lost.</exception>
    /// <exception cref="IOException">It cannot be read, or the conversation cannot be stored.</exception>
    public SessionFacts Load(string name)
    {
        ThrowIfOwn(name);
        var facts = SessionFolder.Find(Store, name);
        if (Name is null && chat.History is { IsChanged: true } history && (history.Count > 0 || history.File.Length > 0)) throw new CommandException("This conversation has no name and would be lost: '/save NAME' keeps it.");
        Leave();
        var claim = facts.IsChat ? SessionFolder.Lock(Store, name) : null;
        try
        {
            chat.Load(Store, facts);
        }
        catch
        {
            claim?.Dispose();
            throw;
        }

        Take(claim is null ? null : name, claim);
        return facts;
    }

    /// <summary>Stores the conversation as it is, and goes on under another name.</summary>
    /// <param name="name">A name that nothing is stored under; null for one like its own.</param>
    /// <returns>The name to go back to.</returns>
    /// <exception cref="CommandException">There is nothing yet, or the name is taken.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public string Branch(string? name)
    {
        if (chat.History.Count == 0) throw new UsageException("there is nothing to branch from yet");
        ThrowIfOwn(name);
        var claim = name is null ? null : ClaimNew(name);
        try
        {
            if (Name is null) Save(FreeName("chat"));
            else Leave();
            var old = Name!;
            name ??= FreeName(old);
            Take(name, claim ?? ClaimNew(name));
            chat.History.IsChanged = true;
            return old;
        }
        catch
        {
            claim?.Dispose();
            throw;
        }
    }

    /// <summary>Stores the conversation if it has a name and changed.</summary>
    /// <returns>Whether it was stored.</returns>
    /// <exception cref="IOException">It cannot be written.</exception>
    public bool Leave()
    {
        if (Name is null || !chat.History.IsChanged) return false;
        chat.Save(Store, Name);
        return true;
    }

    public void Dispose() => _claim?.Dispose();

    private void Take(string? name, IDisposable? claim)
    {
        _claim?.Dispose();
        (Name, _claim) = (name, claim);
    }

    private void ThrowIfOwn(string? name)
    {
        if (name is not null && name == Name) throw new UsageException($"this is {name} already");
    }

    private IDisposable ClaimNew(string name)
    {
        var claim = SessionFolder.Lock(Store, name);
        if (Store.List(name).Count == 0) return claim;
        claim.Dispose();
        throw new CommandException($"There is a session {name} already: take another name, or load it.");
    }

    // The name, or the first one with a number behind it, that nothing is stored under.
    private string FreeName(string name)
    {
        var free = name;
        for (var number = 2; free == Name || Store.List(free).Count > 0; number++) free = $"{name}-{number}";
        return free;
    }

    // Of what could not be stored whole nothing stays.
    private void DeleteRest(string name)
    {
        try
        {
            Session.Delete(Store, name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What was wrong before is told.
        }
    }
}
