using FalconMamba.ChatTemplates;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli.Chat;

/// <summary>The messages of a chat, and their form under the model's template.</summary>
internal sealed class ChatHistory
{
    private readonly List<ChatTurn> _turns = [];
    private string? _system;
    private string _file = "";

    /// <param name="tokenizer">A tokenizer with a chat template.</param>
    /// <param name="system">The system message; null for none.</param>
    public ChatHistory(Tokenizer tokenizer, string? system)
    {
        Tokenizer = tokenizer;
        _system = system;
    }

    /// <summary>The model's tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>What the model is told before everything else; null for nothing.</summary>
    public string? System
    {
        get => _system;
        set
        {
            IsChanged |= value != _system;
            _system = value;
        }
    }

    /// <summary>The text of files that goes before the next question.</summary>
    public string File
    {
        get => _file;
        set
        {
            IsChanged |= value != _file;
            _file = value;
        }
    }

    /// <summary>How many messages there are, the system message aside.</summary>
    public int Count => _turns.Count;

    /// <summary>The messages, the system message aside.</summary>
    public IReadOnlyList<ChatTurn> Turns => _turns;

    /// <summary>Whether it is another conversation than when this was last set to false.</summary>
    public bool IsChanged { get; set; }

    /// <summary>Adds a question, with the files before it.</summary>
    public void Ask(string text)
    {
        Ask(_file + text, _file.Length);
        _file = "";
    }

    /// <summary>Adds a question as it was asked.</summary>
    /// <param name="text">All of it.</param>
    /// <param name="fileLength">How many characters of it are files'.</param>
    public void Ask(string text, int fileLength)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)fileLength, (uint)text.Length, nameof(fileLength));
        _turns.Add(new ChatTurn(ChatTurn.User, text) { FileLength = fileLength });
    }

    /// <summary>Adds the answer to the question that was asked last.</summary>
    /// <param name="text">The answer.</param>
    /// <param name="ids">The tokens that it was generated as, which are forgotten where they are not this text.</param>
    public void Answer(string text, ReadOnlySpan<int> ids)
    {
        _turns.Add(new ChatTurn(ChatTurn.Assistant, text) { Ids = AreText(ids, text) ? ids.ToArray() : null });
        IsChanged = true;
    }

    /// <summary>Takes the question back that was asked last; its files go before the next one.</summary>
    public void TakeBack()
    {
        var question = _turns[^1];
        _turns.RemoveAt(_turns.Count - 1);
        _file = question.Text[..question.FileLength] + _file;
    }

    /// <summary>Takes the last question and its answer back.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Undo()
    {
        if (_turns.Count == 0) return false;
        _turns.RemoveAt(_turns.Count - 1);
        TakeBack();
        IsChanged = true;
        return true;
    }

    /// <summary>The messages as a template takes them, the system message among them.</summary>
    public IEnumerable<ChatTurn> All() => System is null ? _turns : _turns.Prepend(new ChatTurn(ChatTurn.System, System));

    /// <summary>The text that makes the model answer.</summary>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    public RenderedChat Render() => Render(All(), isAsked: true);

    /// <summary>The text of some messages.</summary>
    /// <param name="turns">The messages.</param>
    /// <param name="isAsked">Whether the text makes the model answer.</param>
    /// <exception cref="ChatTemplateException">The template refuses them.</exception>
    public RenderedChat Render(IEnumerable<ChatTurn> turns, bool isAsked) =>
        Tokenizer.ApplyChatTemplate(turns.Select(turn => new ChatMessage(turn.Role, turn.Text)), new ChatTemplateOptions { AddGenerationPrompt = isAsked });

    /// <summary>The special token that the template ends an answer with; null if it writes none.</summary>
    public int? EndOfAnswer()
    {
        // Characters for private use, which no template writes.
        const string answer = "\uE000\uE001";
        int[] ids;
        try
        {
            ids = Tokenizer.Encode(Render([new ChatTurn(ChatTurn.User, "?"), new ChatTurn(ChatTurn.Assistant, answer)], isAsked: false));
        }
        catch (ChatTemplateException)
        {
            return null;
        }

        if (Tokenizer.Encode(answer, addSpecialTokens: false) is not [.., var last] || Array.LastIndexOf(ids, last) is not (>= 0 and var at)) return null;
        var special = SpecialIds();
        return ids.Skip(at + 1).Where(special.Contains).Select(id => (int?)id).FirstOrDefault();
    }

    // No special token may hide in them, and none without a text: a conversation that is read anew would not have it.
    private bool AreText(ReadOnlySpan<int> ids, string text)
    {
        var special = SpecialIds();
        foreach (var id in ids)
            if (special.Contains(id) || Tokenizer.IdToToken(id) is null) return false;
        return Tokenizer.Decode(ids) == text;
    }

    private HashSet<int> SpecialIds() => [.. Tokenizer.AddedTokens.Where(token => token.Special).Select(token => token.Id)];
}
