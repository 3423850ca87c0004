using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Sessions;

public sealed partial class Session
{
    // Where the session was stored last, and the places of its tokens that have states there.
    private readonly HashSet<long> _storedPlaces = [];
    private IStateStore? _store;

    /// <summary>Opens a stored session.</summary>
    /// <param name="store">Where it is stored.</param>
    /// <param name="name">Its name.</param>
    /// <param name="model">The model it belongs to.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="tree">Where states are kept while it is used.</param>
    /// <param name="owner">Whose it is.</param>
    /// <returns>The session, with tokens that are not read yet where it was stored while it read; null where there is none of this name.</returns>
    /// <exception cref="StateMismatchException">It is another model's.</exception>
    /// <exception cref="IOException">It cannot be read, or what is there is no session.</exception>
    public static Session? Load(IStateStore store, string name, IModelRunner model, Tokenizer tokenizer, PrefixTree tree, string owner = "")
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(model);
        using var stored = store.Read(new StateKey(name), model);
        if (stored is null) return null;
        foreach (var id in stored.Ids.Span)
            if ((uint)id >= (uint)model.Config.VocabSize) throw new MalformedFileException($"session {name}", StoredState.IdsKey, $"ids below {model.Config.VocabSize} were expected, found {id}");
        var session = new Session(model, tokenizer, tree, name, owner);
        try
        {
            session.State.CopyFrom(stored.State);
            session._ids.AddRange(stored.Ids.Span);
            session._messages.AddRange(SessionNotes.Messages(name, stored.Notes, stored.Ids.Length));
            foreach (var (key, value) in stored.Notes)
                if (!SessionNotes.IsOwn(key)) session.Notes[key] = value;
            session._store = store;
            foreach (var entry in store.List(name))
                if (entry.Key.Position is { } place) session._storedPlaces.Add(place);
            // A head is no place of its own in the store: what goes on from here would lose it.
            if (session.State.TokenCount is > 0 and var count)
                tree.Keep(owner, session.Ids[..(int)count], session.State, isRung: !session._messages.Exists(message => message.End == count));
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Stores the session: its state with the tokens, read or not, and the states that the tree keeps at the ends of its
    /// messages and on its ladder. What is there already is not written again.
    /// </summary>
    /// <param name="store">Where to; who shares it with others claims the name first.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Save(IStateStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (_store != store) _storedPlaces.Clear();
        _store = store;
        HashSet<long> wanted = [.. _tree.Ladder(_ids.Count), .. _messages.Select(message => message.End)];
        _storedPlaces.IntersectWith(wanted);
        foreach (var entry in store.List(Name))
            if (entry.Key.Position is { } place && !_storedPlaces.Contains(place)) store.Delete(entry.Key);
        using (var kept = _model.CreateState())
        {
            foreach (var place in _tree.Places(_owner, Ids))
            {
                if (place == State.TokenCount || !wanted.Contains(place) || _storedPlaces.Contains(place) || _tree.CopyTo(kept, _owner, Ids[..place]) != place) continue;
                store.Write(new StateKey(Name, place), new StoredState(kept, _ids.GetRange(0, place).ToArray()));
                _storedPlaces.Add(place);
            }
        }

        var notes = new Dictionary<string, string>(Notes);
        SessionNotes.Add(notes, _messages);
        store.Write(new StateKey(Name), new StoredState(State, _ids.ToArray(), notes));
    }

    /// <summary>Deletes a stored session with all its places.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="IOException">It cannot be deleted.</exception>
    public static bool Delete(IStateStore store, string name)
    {
        ArgumentNullException.ThrowIfNull(store);
        var isThere = false;
        foreach (var entry in store.List(name)) isThere |= store.Delete(entry.Key);
        return isThere;
    }

    // Another process may have stored something else under the name, so what a place holds counts, not what it is called.
    private void RestoreFromStore(IStateStore store, ReadOnlySpan<int> ids, int valid)
    {
        var length = ids.Length;
        foreach (var place in _storedPlaces.Where(place => place > valid && place <= length).OrderDescending().ToArray())
        {
            using var stored = ReadPlace(store, place);
            if (stored is not null && stored.State.TokenCount == place && ids.StartsWith(stored.Ids.Span))
            {
                State.CopyFrom(stored.State);
                return;
            }

            // The next save writes it anew.
            _storedPlaces.Remove(place);
        }
    }

    // One that cannot be read costs its tokens and nothing else.
    private StoredState? ReadPlace(IStateStore store, long place)
    {
        try
        {
            return store.Read(new StateKey(Name, place), _model);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StateMismatchException)
        {
            return null;
        }
    }
}
