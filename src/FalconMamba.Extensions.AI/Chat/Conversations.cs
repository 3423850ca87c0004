using FalconMamba.Model;
using FalconMamba.Sessions;
using TemplateMessage = FalconMamba.ChatTemplates.ChatMessage;

namespace FalconMamba.Extensions.AI.Chat;

/// <summary>
/// What was said before, by the id of the answer it ended with, and the states behind it. Any answer may be gone on from more
/// than once. Safe for any number of threads.
/// </summary>
internal sealed class Conversations(IModelRunner model, FalconMambaOptions options) : IDisposable
{
    // Text is small beside a state, and what has no state any more is read again.
    private const int Most = 4096;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Conversation>> _kept = new(StringComparer.Ordinal);
    private readonly LinkedList<Conversation> _byUse = [];

    /// <summary>The states, each found by its own conversation only.</summary>
    public PrefixTree States { get; } = new(model, new PrefixTreeOptions { MemoryBytes = options.ConversationBytes, ChunkSize = options.PrefillChunkSize });

    /// <summary>The conversation up to an answer.</summary>
    /// <param name="id">The answer's id.</param>
    /// <returns>What was said; null where nothing is known of it, or not any more.</returns>
    public Conversation? Find(string id)
    {
        lock (_lock)
        {
            if (!_kept.TryGetValue(id, out var node)) return null;
            _byUse.Remove(node);
            _byUse.AddFirst(node);
            return node.Value;
        }
    }

    /// <summary>Keeps a conversation, and forgets the one that was asked for longest ago where there are too many.</summary>
    public void Keep(Conversation conversation)
    {
        lock (_lock)
        {
            _kept[conversation.Id] = _byUse.AddFirst(conversation);
            if (_kept.Count <= Most) return;
            _kept.Remove(_byUse.Last!.Value.Id);
            _byUse.RemoveLast();
        }
    }

    public void Dispose() => States.Dispose();
}

/// <summary>A conversation up to one of its answers.</summary>
/// <param name="Id">The answer's id; empty before the first.</param>
/// <param name="Owner">The id of its first answer, under which all its states are kept.</param>
/// <param name="Messages">What was said, instructions aside.</param>
internal sealed record Conversation(string Id, string Owner, TemplateMessage[] Messages);
