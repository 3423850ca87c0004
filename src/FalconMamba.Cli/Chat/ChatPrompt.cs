using FalconMamba.ChatTemplates;
using FalconMamba.Sessions;

namespace FalconMamba.Cli.Chat;

/// <summary>
/// A conversation as the model reads it before it answers. An answer is the tokens that it was generated as wherever the
/// template shows it as it was: encoded again it may be others, and would have to be read again.
/// </summary>
internal sealed class ChatPrompt
{
    private readonly ChatHistory _history;
    private readonly RenderedChat _chat;
    private readonly ChatTurn[] _turns;
    private readonly List<int> _ids = [];

    // For each token where it ends in the text, and for each message.
    private readonly List<int> _ends = [], _places = [];
    private int _encoded;

    /// <param name="history">The conversation, which ends in a question.</param>
    /// <param name="before">What was read for an earlier question, if anything: what goes on from there is not looked at again.</param>
    /// <exception cref="ChatTemplateException">The template refuses it.</exception>
    public ChatPrompt(ChatHistory history, ChatPrompt? before = null)
    {
        _history = history;
        _chat = history.Render();
        _turns = [.. history.All()];
        if (before is not null && _turns.AsSpan().StartsWith(before._turns) && _chat.Text.StartsWith(before._chat.Text, StringComparison.Ordinal))
        {
            _ids.AddRange(before._ids);
            _ends.AddRange(before._ends);
            _places.AddRange(before._places);
            _encoded = before._encoded;
        }

        FindPlaces();
        Encode(_chat.Text.Length);
        Ids = [.. _ids];
        Messages = new SessionMessage[_turns.Length];
        for (var (i, count) = (0, 0); i < Messages.Length; i++)
        {
            while (count < _ends.Count && _ends[count] <= _places[i]) count++;
            Messages[i] = new SessionMessage(_turns[i].Role, count);
        }
    }

    /// <summary>The tokens.</summary>
    public int[] Ids { get; }

    /// <summary>The messages: a question ends where its answer begins.</summary>
    public SessionMessage[] Messages { get; }

    // Where messages end in the text. A part of a conversation may look different, or be refused: then a message ends where
    // the one before it does, or as far as the two texts are the same.
    private void FindPlaces()
    {
        var place = _encoded;
        var isWhole = _encoded > 0;
        for (var i = _places.Count; i < _turns.Length; i++)
        {
            var turn = _turns[i];
            if (isWhole && turn.Role == ChatTurn.Assistant && turn.Ids is { } ids && _chat.Text.AsSpan(place).StartsWith(turn.Text, StringComparison.Ordinal))
            {
                Encode(place);
                place += turn.Text.Length;
                _ids.AddRange(ids);
                _ends.AddRange(Enumerable.Repeat(place, ids.Length));
                _encoded = place;
                isWhole = false;
            }
            else
            {
                var part = i == _turns.Length - 1 ? _chat.Text : TextOf(_turns.AsSpan(0, i + 1));
                var agreed = part.AsSpan().CommonPrefixLength(_chat.Text);
                isWhole = agreed == part.Length && agreed >= place;
                place = Math.Max(place, agreed);
            }

            _places.Add(place);
        }
    }

    private string TextOf(ReadOnlySpan<ChatTurn> turns)
    {
        try
        {
            return _history.Render(turns.ToArray(), isAsked: turns[^1].Role == ChatTurn.User).Text;
        }
        catch (ChatTemplateException)
        {
            return "";
        }
    }

    // Up to a place in the text, from where the last answer ended. Special tokens are those of the template, nobody else's.
    private void Encode(int end)
    {
        var start = _encoded;
        var trusted = _chat.TrustedRanges
            .Select(range => (Start: Math.Max(range.Start.Value, start) - start, End: Math.Min(range.End.Value, end) - start))
            .Where(range => range.Start < range.End)
            .Select(range => range.Start..range.End)
            .ToArray();
        var tokens = _history.Tokenizer.Tokenize(_chat.Text[start..end], trusted, addSpecialTokens: false);
        _ids.AddRange(tokens.Ids);
        _ends.AddRange(tokens.Offsets.Select(offset => start + offset.End.Value));
        _encoded = end;
    }
}
