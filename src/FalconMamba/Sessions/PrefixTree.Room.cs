using FalconMamba.Model;

namespace FalconMamba.Sessions;

public sealed partial class PrefixTree
{
    // Before the number in the name that a tree's states have in a store. Numbers of trees that are gone are used again.
    private const string StoreNames = "prefix-tree-";

    // The name that this tree's states have in the store, and the claim on it.
    private readonly string _storeName = "";
    private readonly IDisposable? _claim;

    // Most recently used first: the states in memory, and those that only the store has.
    private readonly LinkedList<KeptState> _memory = [], _stored = [];

    // What reaches the store, one thing behind the other.
    private Task _work = Task.CompletedTask;
    private long _memoryBytes, _leavingBytes, _storedBytes, _lastPosition;
    private int _pinnedCount;

    /// <summary>Waits until the store has what it is to have.</summary>
    internal void Settle()
    {
        while (true)
        {
            Task work;
            lock (_lock) work = _work;
            if (work.IsCompleted) return;
            work.Wait();
        }
    }

    private static (string Name, IDisposable Claim) TakeName(IStateStore store)
    {
        for (var number = 0; ; number++)
        {
            var name = $"{StoreNames}{number}";
            if (store.TryLock(name) is { } claim) return (name, claim);
        }
    }

    // A process that was killed left its states, which nobody else looks for.
    private static void DeleteOrphans(IStateStore store, string own)
    {
        foreach (var states in store.List().Where(entry => entry.Key.Name.StartsWith(StoreNames, StringComparison.Ordinal)).GroupBy(entry => entry.Key.Name))
        {
            using var claim = states.Key == own ? null : store.TryLock(states.Key);
            if (states.Key != own && claim is null) continue;
            foreach (var entry in states) store.Delete(entry.Key);
        }
    }

    private static void Use(KeptState kept)
    {
        kept.Users++;
        Touch(kept);
    }

    private void Release(KeptState kept)
    {
        if (--kept.Users == 0 && kept.IsDropped) Free(kept);
    }

    private static void Touch(KeptState kept)
    {
        if (kept.Use is not { List: { } list } use) return;
        list.Remove(use);
        list.AddFirst(use);
    }

    /// <summary>Copies a state out, from the store where it lies there: it is then back in memory.</summary>
    /// <returns>Whether that went well.</returns>
    private bool TryCopy(KeptState kept, RecurrentState state)
    {
        RecurrentState? resident;
        StateKey? key;
        lock (_lock) (resident, key) = (kept.State, kept.Stored);
        if (resident is not null)
        {
            state.CopyFrom(resident);
            return true;
        }

        StoredState? read;
        try
        {
            read = _options.Store!.Read(key!.Value, _model);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StateMismatchException)
        {
            return false;
        }

        if (read is null) return false;
        if (read.State.TokenCount != kept.Node.Depth)
        {
            read.Dispose();
            return false;
        }

        state.CopyFrom(read.State);
        lock (_lock)
        {
            if (kept is { IsDropped: false, State: null })
            {
                kept.State = read.State;
                _memoryBytes += kept.ByteLength;
                Move(kept, _memory);
                MakeRoom();
                return true;
            }
        }

        read.Dispose();
        return true;
    }

    private void MakeRoom()
    {
        for (var last = _memory.Last; last is not null && _memoryBytes > _options.MemoryBytes;)
        {
            var kept = last.Value;
            last = last.Previous;
            if (kept.Users > 0) continue;
            if (kept.Stored is not null) LeaveMemory(kept);
            else if (_options.Store is not null && kept.ByteLength <= _options.StoreBytes && _leavingBytes + kept.ByteLength <= Math.Max(_options.MemoryBytes, kept.ByteLength)) Spill(kept);
            else Forget(kept);
        }
    }

    private void Spill(KeptState kept)
    {
        var (state, ids) = (kept.State!, kept.Node.Ids());
        var key = new StateKey(_storeName, _lastPosition++);
        kept.Users++;
        _memoryBytes -= kept.ByteLength;
        _leavingBytes += kept.ByteLength;
        Later(() =>
        {
            var isWritten = TryWrite(key, new StoredState(state, ids));
            lock (_lock)
            {
                _memoryBytes += kept.ByteLength;
                _leavingBytes -= kept.ByteLength;
                if (isWritten)
                {
                    kept.Stored = key;
                    _storedBytes += kept.ByteLength;
                }

                Release(kept);
                if (kept.IsDropped) return;
                if (!isWritten) Forget(kept);
                else if (kept.Users == 0) LeaveMemory(kept);
                while (_storedBytes > _options.StoreBytes && Oldest() is { } oldest) Forget(oldest);
            }
        });
    }

    // A tree that is disposed writes nothing more, and a store that fails is one without room.
    private bool TryWrite(StateKey key, StoredState state)
    {
        try
        {
            lock (_lock)
                if (_disposed) return false;
            _options.Store!.Write(key, state);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private KeptState? Oldest()
    {
        for (var last = _stored.Last; last is not null; last = last.Previous)
            if (last.Value.Users == 0) return last.Value;
        return null;
    }

    private void LeaveMemory(KeptState kept)
    {
        kept.State!.Dispose();
        kept.State = null;
        _memoryBytes -= kept.ByteLength;
        Move(kept, _stored);
    }

    private void Forget(KeptState kept)
    {
        _forgotten++;
        Drop(kept);
    }

    private void Drop(KeptState kept)
    {
        kept.IsDropped = true;
        kept.Node.Kept = null;
        kept.Node.Prune();
        kept.Use?.List?.Remove(kept.Use);
        if (kept.Scope != _shared && kept.Scope.Root.IsEmpty) _scopes.Remove(kept.Scope.Owner);
        if (kept.Users == 0) Free(kept);
    }

    private void Free(KeptState kept)
    {
        if (kept.State is { } state)
        {
            state.Dispose();
            kept.State = null;
            _memoryBytes -= kept.ByteLength;
        }

        if (kept.Stored is not { } key) return;
        kept.Stored = null;
        _storedBytes -= kept.ByteLength;
        Later(() =>
        {
            try
            {
                _options.Store!.Delete(key);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It stays where it is; nobody looks for it.
            }
        });
    }

    private static void Move(KeptState kept, LinkedList<KeptState> list)
    {
        kept.Use!.List!.Remove(kept.Use);
        list.AddFirst(kept.Use);
    }

    private void Later(Action work) => _work = _work.ContinueWith(_ => work(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
}
