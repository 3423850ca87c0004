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
    // Of the bytes that states have: text is small beside them, unless documents are asked about once.
    private const int TextShare = 8;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Conversation>> _kept = new(StringComparer.Ordinal);
    private readonly LinkedList<Conversation> _byUse = [];
    private long _bytes;

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

    /// <summary>Keeps a conversation, and forgets those that were asked for longest ago where they are too much.</summary>
    public void Keep(Conversation conversation)
    {
        lock (_lock)
        {
            _kept[conversation.Id] = _byUse.AddFirst(conversation);
            _bytes += conversation.ByteLength;
            while (_bytes > options.ConversationBytes / TextShare && _byUse.Last is { } oldest)
            {
                _bytes -= oldest.Value.ByteLength;
                _kept.Remove(oldest.Value.Id);
                _byUse.RemoveLast();
            }
        }
    }

    public void Dispose() => States.Dispose();
}

/// <summary>A conversation up to one of its answers.</summary>
/// <param name="Id">Opens it, so that it stands in the response only and in no trace or log.</param>
/// <param name="Owner">Under which all its states are kept.</param>
internal sealed record Conversation(string Id, string Owner)
{
    // What a message takes beside its text.
    private const int MessageBytes = 256;

    private readonly TemplateMessage[] _messages = [];

    /// <summary>What was said, instructions aside.</summary>
    public TemplateMessage[] Messages
    {
        get => _messages;
        init => (_messages, ByteLength) = (value, value.Sum(static message => MessageBytes + (2L * message.Fields.ToJsonString().Length)));
    }

    /// <summary>About how many bytes it takes.</summary>
    public long ByteLength { get; private init; }

    /// <summary>The one that the next answer ends.</summary>
    /// <param name="before">What it goes on from; null for nothing.</param>
    public static Conversation After(Conversation? before)
    {
        var id = Guid.NewGuid().ToString("N");
        return new Conversation(id, before?.Owner ?? id);
    }
}
