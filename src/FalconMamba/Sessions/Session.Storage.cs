using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Sessions;

public sealed partial class Session
{
    // Where the session, or the one that it branched from, was stored last, its tokens then, and the places in them that have
    // states there.
    private readonly HashSet<long> _storedPlaces = [];
    private IStateStore? _store;
    private string _storedName;
    private int[] _storedIds = [];

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
            (session._store, session._storedIds) = (store, stored.Ids.ToArray());
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
        HashSet<long> wanted = [.. _tree.Ladder(_ids.Count), .. _messages.Select(message => message.End)];
        var known = Ids.CommonPrefixLength(_storedIds);
        HashSet<long> written = _store == store && _storedName == Name ? [.. _storedPlaces.Where(place => place <= known && wanted.Contains(place))] : [];
        foreach (var entry in store.List(Name))
            if (entry.Key.Position is { } place && !written.Contains(place)) store.Delete(entry.Key);
        // First what nothing can be done without: places may not find room.
        var notes = new Dictionary<string, string>(Notes);
        SessionNotes.Add(notes, _messages);
        store.Write(new StateKey(Name), new StoredState(State, _ids.ToArray(), notes));
        using (var kept = _model.CreateState())
        {
            HashSet<long> inTree = [.. _tree.Places(_owner, Ids)];
            foreach (var place in wanted.Except([.. written, State.TokenCount]).Order().ToArray())
            {
                var isThere = inTree.Contains(place)
                    ? _tree.CopyTo(kept, _owner, Ids[..(int)place]) == place
                    : place <= known && _storedPlaces.Contains(place) && TryReadPlace(place, kept);
                if (!isThere) continue;
                store.Write(new StateKey(Name, place), new StoredState(kept, _ids.GetRange(0, (int)place).ToArray()));
                written.Add(place);
            }
        }

        (_store, _storedName, _storedIds) = (store, Name, _ids.ToArray());
        _storedPlaces.Clear();
        _storedPlaces.UnionWith(written);
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

    private void RestoreFromStore()
    {
        var known = Ids.CommonPrefixLength(_storedIds);
        foreach (var place in _storedPlaces.Where(place => place > State.TokenCount && place <= known).OrderDescending().ToArray())
        {
            if (TryReadPlace(place, State)) return;
            // The next save writes it anew.
            _storedPlaces.Remove(place);
        }
    }

    // Another process may have stored something else under the name, so what a place holds counts, not what it is called. One
    // that cannot be read costs its tokens and nothing else.
    private bool TryReadPlace(long place, RecurrentState into)
    {
        try
        {
            using var stored = _store!.Read(new StateKey(_storedName, place), _model);
            if (stored is null || stored.State.TokenCount != place || !_storedIds.AsSpan().StartsWith(stored.Ids.Span)) return false;
            into.CopyFrom(stored.State);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StateMismatchException)
        {
            return false;
        }
    }
}
