using FalconMamba.Model;

namespace FalconMamba.Sessions;

/// <summary>States in the memory of this process.</summary>
public sealed class MemoryStateStore : IStateStore, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<StateKey, (StoredState State, DateTimeOffset Written)> _states = [];
    private readonly HashSet<string> _claimed = [];

    /// <inheritdoc/>
    public IReadOnlyList<StateEntry> List(string? name = null)
    {
        lock (_lock)
        {
            return [.. _states
                .Where(pair => name is null || pair.Key.Name == name)
                .Select(pair => new StateEntry(pair.Key, pair.Value.State.State.ByteLength, pair.Value.Written))
                .OrderBy(entry => entry.Key.Name, StringComparer.Ordinal)
                .ThenBy(entry => entry.Key.Position ?? -1)];
        }
    }

    /// <inheritdoc/>
    public StoredState? Read(StateKey key, IModelRunner model)
    {
        ArgumentNullException.ThrowIfNull(model);
        lock (_lock)
        {
            if (!_states.TryGetValue(key, out var found)) return null;
            StateMismatchException.ThrowIfDifferent(model.Fingerprint, found.State.State.Fingerprint);
            return Copy(found.State);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string>? ReadNotes(StateKey key)
    {
        lock (_lock) return _states.TryGetValue(key, out var found) ? found.State.AllNotes() : null;
    }

    /// <inheritdoc/>
    public void Write(StateKey key, StoredState state)
    {
        ArgumentException.ThrowIfNullOrEmpty(key.Name, nameof(key));
        ArgumentNullException.ThrowIfNull(state);
        var copy = Copy(state);
        lock (_lock)
        {
            if (_states.TryGetValue(key, out var old)) old.State.Dispose();
            _states[key] = (copy, DateTimeOffset.UtcNow);
        }
    }

    /// <inheritdoc/>
    public bool Delete(StateKey key)
    {
        lock (_lock)
        {
            if (!_states.Remove(key, out var old)) return false;
            old.State.Dispose();
            return true;
        }
    }

    /// <inheritdoc/>
    public IDisposable? TryLock(string name)
    {
        lock (_lock) return _claimed.Add(name) ? new Claim(this, name) : null;
    }

    /// <summary>Releases the states.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var (state, _) in _states.Values) state.Dispose();
            _states.Clear();
        }
    }

    private static StoredState Copy(StoredState state) => new(state.State.Fork(), state.Ids.ToArray(), new Dictionary<string, string>(state.Notes));

    private sealed class Claim(MemoryStateStore store, string name) : IDisposable
    {
        public void Dispose()
        {
            lock (store._lock) store._claimed.Remove(name);
        }
    }
}
