using System.Globalization;

namespace FalconMamba.Sessions;

/// <summary>A session's messages as one of the strings beside its state: <c>user:12 assistant:40</c>.</summary>
internal static class SessionNotes
{
    private const string MessagesKey = "session.messages";

    public static void Add(Dictionary<string, string> notes, IEnumerable<SessionMessage> messages) =>
        notes[MessagesKey] = string.Join(' ', messages.Select(message => string.Create(CultureInfo.InvariantCulture, $"{message.Role}:{message.End}")));

    /// <summary>Whether a string beside a state is the session's own business or the store's, and no note of its user.</summary>
    public static bool IsOwn(string key) => key is MessagesKey or StoredState.IdsKey || Model.StateFile.IsOwn(key);

    /// <summary>Whether a text can be a role.</summary>
    public static bool IsRole(string text) => text.Length > 0 && !text.AsSpan().ContainsAny(' ', ':') && !text.Any(char.IsControl);

    /// <exception cref="MalformedFileException">They are no messages, or end in no order or behind the session's tokens.</exception>
    public static List<SessionMessage> Messages(string session, IReadOnlyDictionary<string, string> notes, int tokenCount)
    {
        var messages = new List<SessionMessage>();
        if (!notes.TryGetValue(MessagesKey, out var text)) return messages;
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (word.Split(':') is not [var role, var number] || !IsRole(role)
                || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var end)
                || end > tokenCount || (messages.Count > 0 && end < messages[^1].End))
                throw new MalformedFileException($"session {session}", MessagesKey, $"a role and a number up to {tokenCount} were expected, found \"{word}\"");
            messages.Add(new SessionMessage(role, end));
        }

        return messages;
    }
}
