using FalconMamba.Model;
using FalconMamba.Sessions;

namespace FalconMamba.Tests.Sessions;

/// <summary>A store in memory whose reads wait until they are released, and may fail.</summary>
internal sealed class WaitingStore : IStateStore, IDisposable
{
    private readonly MemoryStateStore _inner = new();

    public ManualResetEventSlim IsReading { get; } = new();

    public ManualResetEventSlim Release { get; } = new();

    public Exception? Failure { get; set; }

    public StoredState? Read(StateKey key, IModelRunner model)
    {
        IsReading.Set();
        Release.Wait();
        return Failure is null ? _inner.Read(key, model) : throw Failure;
    }

    public IReadOnlyList<StateEntry> List(string? name = null) => _inner.List(name);

    public IReadOnlyDictionary<string, string>? ReadNotes(StateKey key) => _inner.ReadNotes(key);

    public void Write(StateKey key, StoredState state) => _inner.Write(key, state);

    public bool Delete(StateKey key) => _inner.Delete(key);

    public IDisposable? TryLock(string name) => _inner.TryLock(name);

    public void Dispose()
    {
        _inner.Dispose();
        IsReading.Dispose();
        Release.Dispose();
    }
}
