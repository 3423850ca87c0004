using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FalconMamba.Cli.Sessions;
using FalconMamba.Sessions;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli.Chat;

/// <summary>A conversation's text beside its state: a JSON object. The tokens of its answers are the session's.</summary>
internal static class ChatNotes
{
    private const string SystemKey = "system", FileKey = "file", MessagesKey = "messages", RoleKey = "role", ContentKey = "content", FileLengthKey = "file_length";

    /// <summary>The text that is stored.</summary>
    public static string Write(ChatHistory history)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (history.System is { } system) json.WriteString(SystemKey, system);
            if (history.File.Length > 0) json.WriteString(FileKey, history.File);
            json.WriteObjects(MessagesKey, history.Turns, turn =>
            {
                json.WriteString(RoleKey, turn.Role);
                json.WriteString(ContentKey, turn.Text);
                if (turn.FileLength > 0) json.WriteNumber(FileLengthKey, turn.FileLength);
            });
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    /// <summary>The conversation of a stored session.</summary>
    /// <param name="name">The session's name.</param>
    /// <param name="session">The session, whose messages are the conversation's.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <exception cref="CommandException">What was stored is no conversation.</exception>
    public static ChatHistory Read(string name, Session session, Tokenizer tokenizer)
    {
        try
        {
            using var json = JsonDocument.Parse(session.Notes[SessionFacts.ChatKey]);
            var chat = json.RootElement;
            var history = new ChatHistory(tokenizer, chat.TryGetProperty(SystemKey, out var system) ? system.GetString() : null);
            var place = session.Messages is [{ Role: ChatTurn.System }, ..] ? 1 : 0;
            foreach (var turn in chat.GetProperty(MessagesKey).EnumerateArray())
            {
                var (role, text) = (turn.GetProperty(RoleKey).GetString(), turn.GetProperty(ContentKey).GetString());
                if (text is null || role != (history.Count % 2 == 0 ? ChatTurn.User : ChatTurn.Assistant) || session.Messages[place].Role != role) throw Damaged(name);
                if (role == ChatTurn.User) history.Ask(text, turn.TryGetProperty(FileLengthKey, out var length) ? length.GetInt32() : 0);
                else history.Answer(text, session.Ids[session.Messages[place - 1].End..session.Messages[place].End]);
                place++;
            }

            if (history.Count % 2 != 0 || (history.Count > 0 && place != session.Messages.Count)) throw Damaged(name);
            history.File = chat.TryGetProperty(FileKey, out var file) ? file.GetString() ?? "" : "";
            history.IsChanged = false;
            return history;
        }
        // Everything that a text of another shape leads to.
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw Damaged(name);
        }
    }

    private static CommandException Damaged(string name) =>
        new($"The session {name} is damaged, its messages are not those of its tokens: 'falcon-mamba sessions delete {name}' takes it away.");
}
