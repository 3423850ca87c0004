using FalconMamba.ChatTemplates;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli.Chat;

/// <summary>The messages of a chat, and their form under the model's template.</summary>
internal sealed class ChatHistory
{
    private readonly List<ChatMessage> _messages = [];

    /// <param name="tokenizer">A tokenizer with a chat template.</param>
    /// <param name="system">The system message; null for none.</param>
    public ChatHistory(Tokenizer tokenizer, string? system)
    {
        Tokenizer = tokenizer;
        System = system;
    }

    /// <summary>The model's tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>What the model is told before everything else; null for nothing.</summary>
    public string? System { get; set; }

    /// <summary>How many messages there are, the system message aside.</summary>
    public int Count => _messages.Count;

    /// <summary>Adds a message.</summary>
    public void Add(string role, string text) => _messages.Add(new ChatMessage(role, text));

    /// <summary>Takes the last message back.</summary>
    public void RemoveLast() => _messages.RemoveAt(_messages.Count - 1);

    /// <summary>Takes the last question and its answer back.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Undo()
    {
        if (_messages.Count == 0) return false;
        _messages.RemoveRange(_messages.Count - 2, 2);
        return true;
    }

    /// <summary>The text that makes the model answer.</summary>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    public RenderedChat Render() => Tokenizer.ApplyChatTemplate(All(), new ChatTemplateOptions { AddGenerationPrompt = true });

    /// <summary>The ids of the messages alone; null if the template refuses them.</summary>
    public int[]? Encode() => Encode(All());

    /// <summary>The places in a rendered conversation where its messages end, from the first one behind some tokens on.</summary>
    /// <param name="ids">The conversation.</param>
    /// <param name="read">The tokens that are read already.</param>
    public IReadOnlyCollection<int> Ends(ReadOnlySpan<int> ids, int read)
    {
        var all = All().ToList();
        var ends = new Stack<int>();
        for (; all.Count > 0; all.RemoveAt(all.Count - 1))
        {
            // A part of a conversation may look different, or be refused: it then tells no end.
            if (Encode(all) is not { } part) continue;
            var end = ids.CommonPrefixLength(part);
            if (end <= read) break;
            if (!ends.TryPeek(out var later) || end < later) ends.Push(end);
        }

        return ends;
    }

    /// <summary>The special token that the template ends an answer with; null if it writes none.</summary>
    public int? EndOfAnswer()
    {
        // Characters for private use, which no template writes.
        const string answer = "\uE000\uE001";
        if (Encode([new ChatMessage("user", "?"), new ChatMessage("assistant", answer)]) is not { } ids) return null;
        if (Tokenizer.Encode(answer, addSpecialTokens: false) is not [.., var last] || Array.LastIndexOf(ids, last) is not (>= 0 and var at)) return null;
        var special = Tokenizer.AddedTokens.Where(token => token.Special).Select(token => token.Id).ToHashSet();
        return ids.Skip(at + 1).Where(special.Contains).Select(id => (int?)id).FirstOrDefault();
    }

    private IEnumerable<ChatMessage> All() => System is null ? _messages : _messages.Prepend(new ChatMessage("system", System));

    private int[]? Encode(IEnumerable<ChatMessage> messages)
    {
        try
        {
            return Tokenizer.Encode(Tokenizer.ApplyChatTemplate(messages));
        }
        catch (ChatTemplateException)
        {
            return null;
        }
    }
}
