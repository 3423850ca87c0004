using FalconMamba.Model;

namespace FalconMamba.Sessions;

/// <summary>
/// States by the tokens that they have read, at exact positions: who brings a prompt gets the state of its longest beginning
/// that is kept. Each owner sees only what was kept for him, and what was pinned for all. Safe for any number of threads;
/// states are copied outside the lock and written to the store by a thread of their own, so that no caller waits for a disk
/// but one whose state lies there.
/// </summary>
/// <remarks>
/// The least recently used states go to the store when memory is full, and are forgotten when the store is. What is being
/// written is still in memory and not counted there, but never more than the budget again.
/// </remarks>
public sealed partial class PrefixTree : IDisposable
{
    private readonly Lock _lock = new();
    private readonly IModelRunner _model;
    private readonly PrefixTreeOptions _options;
    private readonly Scope _shared = new("");
    private readonly Dictionary<string, Scope> _scopes = new(StringComparer.Ordinal);
    private long _lookups, _hits, _lookupTokens, _hitTokens, _forgotten;
    private bool _disposed;

    /// <summary>An empty tree.</summary>
    /// <param name="model">The model whose states are kept; it must outlive the tree.</param>
    /// <param name="options">How much is kept, and where; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is negative, or the chunk size is not positive.</exception>
    /// <exception cref="IOException">The store cannot be used.</exception>
    public PrefixTree(IModelRunner model, PrefixTreeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _options = options ?? new PrefixTreeOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(_options.MemoryBytes, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(_options.StoreBytes, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.ChunkSize, 1, nameof(options));
        if (_options.Store is not { } store) return;
        (_storeName, _claim) = TakeName(store);
        try
        {
            DeleteOrphans(store, _storeName);
        }
        catch
        {
            _claim.Dispose();
            throw;
        }
    }

    /// <summary>What the tree holds and did.</summary>
    public PrefixTreeStatistics Statistics
    {
        get
        {
            lock (_lock)
                return new PrefixTreeStatistics(_lookups, _hits, _lookupTokens, _hitTokens, _memory.Count + _pinnedCount, _memoryBytes, _stored.Count, _storedBytes, _forgotten);
        }
    }

    /// <summary>The places inside a prompt where <see cref="Keep"/> is worth its while, in ascending order.</summary>
    /// <param name="length">The prompt's tokens.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    public int[] Ladder(int length) => PrefixLadder.Positions(length, _options.ChunkSize);

    /// <summary>Puts a state to the longest beginning of a prompt that is kept, or back to no tokens.</summary>
    /// <param name="owner">Whose states to look at, beside the pinned ones.</param>
    /// <param name="ids">The prompt. All of it may be found: a chunk without tokens then gives its logits.</param>
    /// <param name="state">The state to set.</param>
    /// <returns>How many of the tokens the state has read: the rest has to be.</returns>
    /// <exception cref="ObjectDisposedException">The tree or the state is disposed.</exception>
    public int Restore(string owner, ReadOnlySpan<int> ids, RecurrentState state) => Count(ids.Length, CopyTo(state, owner, ids));

    /// <summary>Does as <see cref="Restore"/> with a state that has read a beginning of the prompt: it is never moved back.</summary>
    /// <inheritdoc cref="Restore"/>
    internal int Advance(string owner, ReadOnlySpan<int> ids, RecurrentState state) => Count(ids.Length, CopyTo(state, owner, ids, state.TokenCount));

    private int Count(int promptLength, int length)
    {
        lock (_lock)
        {
            (_lookups, _lookupTokens) = (_lookups + 1, _lookupTokens + promptLength);
            if (length > 0) (_hits, _hitTokens) = (_hits + 1, _hitTokens + length);
        }

        return length;
    }

    /// <summary>How long the longest beginning of a prompt is that is kept; a lookup that copies nothing and does not count.</summary>
    /// <param name="owner">Whose states to look at, beside the pinned ones.</param>
    /// <param name="ids">The prompt.</param>
    public int Find(string owner, ReadOnlySpan<int> ids)
    {
        ArgumentNullException.ThrowIfNull(owner);
        lock (_lock) return Longest(owner, ids)?.Node.Depth ?? 0;
    }

    /// <summary>Does as <see cref="Restore"/> without counting as a prompt's lookup.</summary>
    /// <param name="state">The state to set.</param>
    /// <param name="owner">Whose states to look at, beside the pinned ones.</param>
    /// <param name="ids">The prompt.</param>
    /// <param name="read">How many of its tokens the state has read, from where it is not moved back; 0 where it may have read others.</param>
    /// <inheritdoc cref="Restore"/>
    internal int CopyTo(RecurrentState state, string owner, ReadOnlySpan<int> ids, long read = 0)
    {
        ArgumentNullException.ThrowIfNull(owner);
        ArgumentNullException.ThrowIfNull(state);
        StateMismatchException.ThrowIfDifferent(_model.Fingerprint, state.Fingerprint);
        while (true)
        {
            KeptState? found;
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                found = Longest(owner, ids) is { } longest && longest.Node.Depth > read ? longest : null;
                if (found is not null) Use(found);
            }

            if (found is null)
            {
                if (read == 0) state.Reset();
                return (int)read;
            }

            var isRead = false;
            try
            {
                isRead = TryCopy(found, state);
            }
            finally
            {
                lock (_lock)
                {
                    if (!isRead && !found.IsDropped) Forget(found);
                    Release(found);
                }
            }

            if (isRead) return (int)state.TokenCount;
        }
    }

    /// <summary>Keeps a copy of a state.</summary>
    /// <param name="owner">Who alone may find it.</param>
    /// <param name="ids">The tokens that it has read.</param>
    /// <param name="state">The state, which stays the caller's.</param>
    /// <param name="isRung">
    /// Whether the place lies inside a prompt, one of its <see cref="Ladder"/>; when a longer prompt of this beginning ends,
    /// the rungs go that are not on its own ladder.
    /// </param>
    /// <exception cref="ArgumentException">The state has read another number of tokens, or none.</exception>
    /// <exception cref="StateMismatchException">The state is another model's.</exception>
    public void Keep(string owner, ReadOnlySpan<int> ids, RecurrentState state, bool isRung = false)
    {
        ArgumentNullException.ThrowIfNull(owner);
        Check(ids, state);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (IsKept(ScopeOf(owner), ids, isRung)) return;
        }

        var copy = state.Fork();
        lock (_lock)
        {
            if (_disposed || IsKept(ScopeOf(owner), ids, isRung))
            {
                copy.Dispose();
                return;
            }

            var kept = Add(ScopeOf(owner), ids, copy);
            kept.IsRung = isRung;
            kept.Use = _memory.AddFirst(kept);
            if (!isRung) Thin(kept);
            MakeRoom();
        }
    }

    /// <summary>Keeps a copy of a state for every owner, until <see cref="Unpin"/>.</summary>
    /// <param name="ids">The tokens that it has read: nothing that one owner must not learn of another.</param>
    /// <param name="state">The state, which stays the caller's.</param>
    /// <exception cref="ArgumentException">The state has read another number of tokens, or none.</exception>
    /// <exception cref="StateMismatchException">The state is another model's.</exception>
    public void Pin(ReadOnlySpan<int> ids, RecurrentState state)
    {
        Check(ids, state);
        var copy = state.Fork();
        lock (_lock)
        {
            if (_disposed || Exact(_shared, ids) is not null)
            {
                copy.Dispose();
                ObjectDisposedException.ThrowIf(_disposed, this);
                return;
            }

            Add(_shared, ids, copy);
            _pinnedCount++;
            MakeRoom();
        }
    }

    /// <summary>Lets a pinned state go.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Unpin(ReadOnlySpan<int> ids)
    {
        lock (_lock)
        {
            if (Exact(_shared, ids) is not { } kept) return false;
            _pinnedCount--;
            Drop(kept);
            return true;
        }
    }

    /// <summary>The places along some tokens where a state of an owner is kept, in ascending order.</summary>
    /// <param name="owner">Whose states to look at; pinned ones do not count.</param>
    /// <param name="ids">The tokens.</param>
    public int[] Places(string owner, ReadOnlySpan<int> ids)
    {
        ArgumentNullException.ThrowIfNull(owner);
        lock (_lock)
            return _scopes.TryGetValue(owner, out var scope) ? [.. scope.Root.PathAlong(ids).Where(node => node.Kept is not null).Select(node => node.Depth)] : [];
    }

    /// <summary>Forgets all states of an owner.</summary>
    public void Forget(string owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        lock (_lock)
        {
            if (!_scopes.TryGetValue(owner, out var scope)) return;
            foreach (var kept in scope.Root.All().ToArray()) Drop(kept);
        }
    }

    /// <summary>Releases all states, also those in the store.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            foreach (var scope in _scopes.Values.Append(_shared).ToArray())
                foreach (var kept in scope.Root.All().ToArray()) Drop(kept);
        }

        Settle();
        _claim?.Dispose();
    }

    private static KeptState? Deepest(Scope scope, ReadOnlySpan<int> ids) => scope.Root.PathAlong(ids).FindLast(node => node.Kept is not null)?.Kept;

    private static KeptState? Exact(Scope scope, ReadOnlySpan<int> ids) => Deepest(scope, ids) is { } kept && kept.Node.Depth == ids.Length ? kept : null;

    private void Check(ReadOnlySpan<int> ids, RecurrentState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        StateMismatchException.ThrowIfDifferent(_model.Fingerprint, state.Fingerprint);
        if (ids.IsEmpty || state.TokenCount != ids.Length)
            throw new ArgumentException($"The state has read {state.TokenCount} tokens, {ids.Length} were given.", nameof(ids));
    }

    private KeptState? Longest(string owner, ReadOnlySpan<int> ids)
    {
        var own = _scopes.TryGetValue(owner, out var scope) ? Deepest(scope, ids) : null;
        var shared = Deepest(_shared, ids);
        return (own?.Node.Depth ?? 0) >= (shared?.Node.Depth ?? 0) ? own : shared;
    }

    private Scope ScopeOf(string owner)
    {
        if (_scopes.TryGetValue(owner, out var scope)) return scope;
        return _scopes[owner] = new Scope(owner);
    }

    private static bool IsKept(Scope scope, ReadOnlySpan<int> ids, bool isRung)
    {
        if (Exact(scope, ids) is not { } kept) return false;
        kept.IsRung &= isRung;
        Touch(kept);
        return true;
    }

    private KeptState Add(Scope scope, ReadOnlySpan<int> ids, RecurrentState copy)
    {
        var node = scope.Root.NodeAt(ids);
        _memoryBytes += copy.ByteLength;
        return node.Kept = new KeptState(scope, node, copy);
    }

    // A prompt ends here: what lies before it inside prompts stays only where this prompt's own ladder has a rung.
    private void Thin(KeptState end)
    {
        HashSet<int>? ladder = null;
        var rungs = new List<KeptState>();
        for (var node = end.Node.Parent; node is not null; node = node.Parent)
            if (node.Kept is { IsRung: true } rung && !(ladder ??= [.. Ladder(end.Node.Depth)]).Contains(node.Depth)) rungs.Add(rung);
        foreach (var rung in rungs) Drop(rung);
    }

    /// <summary>The states of one owner, or of all.</summary>
    internal sealed class Scope(string owner)
    {
        public string Owner { get; } = owner;

        public PrefixNode Root { get; } = new();
    }
}
