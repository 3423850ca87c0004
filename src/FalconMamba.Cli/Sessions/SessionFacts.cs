using System.Globalization;
using System.Text.Json;
using FalconMamba.Model;
using FalconMamba.Sessions;

namespace FalconMamba.Cli.Sessions;

/// <summary>What is known of a session without its model.</summary>
internal sealed record SessionFacts(string Name, IReadOnlyDictionary<string, string> Notes, IReadOnlyList<StateEntry> States)
{
    /// <summary>The keys of a session's strings: the model, the names of the files that were read, their text, a conversation.</summary>
    public const string ModelKey = "session.model", FilesKey = "document.files", TextKey = "document.text", ChatKey = "chat";

    /// <summary>The model that read it, as it was named; null where nobody noted it.</summary>
    public string? Model => Notes.GetValueOrDefault(ModelKey);

    /// <summary>The names of the files.</summary>
    public string[] Files => Notes.TryGetValue(FilesKey, out var files) ? files.Split('\n') : [];

    /// <summary>The text that was read; null where the session is none of a document.</summary>
    public string? Text => Notes.GetValueOrDefault(TextKey);

    /// <summary>Whether it is a conversation.</summary>
    public bool IsChat => Notes.ContainsKey(ChatKey);

    /// <summary>How many tokens the session has, read or not.</summary>
    public int TokenCount => Notes.TryGetValue(StoredState.IdsKey, out var ids) && ids.Length > 0 ? ids.AsSpan().Count(' ') + 1 : 0;

    /// <summary>How many of them are read.</summary>
    public long ReadCount => Notes.TryGetValue(StateFile.TokenCountKey, out var count) && long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var read) ? read : 0;

    /// <summary>The bytes of all its states.</summary>
    public long ByteLength => States.Sum(state => state.ByteLength);

    /// <summary>When it was last written.</summary>
    public DateTimeOffset Written => States.Max(state => state.Written);

    /// <summary>As properties of a JSON object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteString("name", Name);
        json.WriteString("model", Model);
        json.WriteBoolean("chat", IsChat);
        json.WriteTexts("files", Files);
        json.WriteNumber("tokens", TokenCount);
        json.WriteNumber("read_tokens", ReadCount);
        json.WriteNumbers("places", States.Where(state => state.Key.Position is not null).Select(state => state.Key.Position!.Value));
        json.WriteNumber("bytes", ByteLength);
        json.WriteString("written", Written);
    }
}
