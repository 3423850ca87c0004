namespace FalconMamba.Engine;

/// <summary>
/// The requests that wait: greater priority first, then those whose owner runs fewest, then the oldest. So an owner with many
/// requests does not keep the others from running. Guarded by the engine's lock.
/// </summary>
/// <param name="capacity">How many may wait.</param>
internal sealed class WaitingLine(int capacity)
{
    private readonly List<BatchSequence> _sequences = [];

    /// <summary>How many wait.</summary>
    public int Count => _sequences.Count;

    /// <summary>Refuses where there is no place.</summary>
    /// <exception cref="EngineBusyException">As many wait as may.</exception>
    public void ThrowIfFull()
    {
        if (Count >= capacity) throw new EngineBusyException(Count);
    }

    /// <summary>Adds a request; there is a place for it.</summary>
    public void Add(BatchSequence sequence) => _sequences.Add(sequence);

    /// <summary>Takes a request out; null if it is not here.</summary>
    public BatchSequence? Remove(GeneratedTokens tokens)
    {
        var index = _sequences.FindIndex(sequence => sequence.Tokens == tokens);
        return index < 0 ? null : RemoveAt(index);
    }

    /// <summary>Takes the request out whose turn it is; null if none waits.</summary>
    /// <param name="batch">What runs.</param>
    public BatchSequence? Next(Batch batch)
    {
        if (Count == 0) return null;
        var next = 0;
        for (var i = 1; i < Count; i++)
            if (Goes(_sequences[i], _sequences[next], batch)) next = i;
        return RemoveAt(next);
    }

    /// <summary>Whether a request goes before an older one.</summary>
    private static bool Goes(BatchSequence younger, BatchSequence older, Batch batch) =>
        younger.Priority != older.Priority ? younger.Priority > older.Priority : batch.RunningOf(younger.OwnerName) < batch.RunningOf(older.OwnerName);

    private BatchSequence RemoveAt(int index)
    {
        var sequence = _sequences[index];
        _sequences.RemoveAt(index);
        return sequence;
    }
}
