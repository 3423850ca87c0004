using System.Runtime.InteropServices;
using FalconMamba.Model;

namespace FalconMamba.Cli.Chat;

/// <summary>
/// The past of a conversation: a state, the ids that it has read, and copies of it from the ends of messages. A conversation
/// that is rendered anew costs only the tokens behind the last copy, or behind the state itself, that it agrees with.
/// </summary>
internal sealed class ConversationPast(FalconMambaModel model) : IDisposable
{
    private const int MostKept = 16;

    private readonly List<int> _ids = [];
    private readonly List<RecurrentState> _kept = [];

    /// <summary>The state of this moment.</summary>
    public RecurrentState State { get; } = model.CreateState();

    /// <summary>How many tokens the state has read.</summary>
    public int Count => (int)State.TokenCount;

    /// <summary>The bytes of the copies.</summary>
    public long KeptBytes => _kept.Sum(state => state.ByteLength);

    /// <summary>How many copies there are.</summary>
    public int KeptCount => _kept.Count;

    /// <summary>Goes back, if need be, to where the state has read a beginning of the ids and nothing else.</summary>
    /// <param name="ids">The ids of a conversation.</param>
    public void RewindTo(ReadOnlySpan<int> ids)
    {
        var agreed = ids.CommonPrefixLength(CollectionsMarshal.AsSpan(_ids));
        for (; _kept is [.., var last] && last.TokenCount > agreed; _kept.RemoveAt(_kept.Count - 1)) last.Dispose();
        if (agreed == Count) return;
        if (_kept is [.., var copy]) State.CopyFrom(copy);
        else State.Reset();
        Follow(ids);
    }

    /// <summary>Keeps a copy of the state: here a message ends.</summary>
    public void Keep()
    {
        if (Count == 0 || (_kept is [.., var last] && last.TokenCount == Count)) return;
        if (_kept.Count == MostKept)
        {
            // The first one stays: a long system message ends there.
            _kept[1].Dispose();
            _kept.RemoveAt(1);
        }

        _kept.Add(State.Fork());
    }

    /// <summary>Reads ids of a conversation that begins with what the state has read.</summary>
    /// <param name="ids">All of the conversation.</param>
    /// <param name="end">Where to stop.</param>
    /// <param name="progress">Told how many more tokens are read.</param>
    /// <param name="cancellationToken">Looked at inside long texts.</param>
    public void Read(int[] ids, int end, IProgress<int> progress, CancellationToken cancellationToken)
    {
        var chunk = new Chunk(State, ids.AsMemory(Count..end)) { Logits = RowSelection.None };
        model.Forward([chunk], [], progress: progress, cancellationToken: cancellationToken);
    }

    /// <summary>Notes what the state has read, when something else has moved it.</summary>
    /// <param name="ids">Ids of which it has read the first ones.</param>
    public void Follow(ReadOnlySpan<int> ids)
    {
        _ids.Clear();
        _ids.AddRange(ids[..Count]);
    }

    public void Dispose()
    {
        State.Dispose();
        foreach (var state in _kept) state.Dispose();
    }
}
