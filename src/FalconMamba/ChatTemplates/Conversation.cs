using System.Text.Json;
using System.Text.Json.Nodes;
using FalconMamba.ChatTemplates.Methods;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates;

/// <summary>What transformers does to messages before a template sees them, and to the text afterwards.</summary>
internal sealed class Conversation
{
    private const string ContinuationMark = "CONTINUE_FINAL_MESSAGE_TAG ";

    private static readonly string[] ReasoningNames = ["reasoning_content", "thinking", "reasoning"];
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    // A role is a choice from a list more than a text: where it stands, a template's special token for it may stand too.
    private static readonly HashSet<string> KnownRoles = ["system", "developer", "user", "assistant", "tool", "function", "ipython"];

    private readonly ListValue _messages;
    private readonly Text? _continued;

    private Conversation(ListValue messages, Text? continued)
    {
        _messages = messages;
        _continued = continued;
    }

    /// <summary>Reads messages.</summary>
    public static Conversation Read(IEnumerable<ChatMessage> messages, ChatTemplateOptions options)
    {
        var values = messages.Select(ReadMessage).ToList();
        var continued = options.ContinueFinalMessage ? Continue(values) : null;
        return new Conversation(new ListValue([.. values]), continued);
    }

    /// <summary>The variables of a template.</summary>
    public IEnumerable<(string Name, object? Value)> Variables(ChatTemplateOptions options)
    {
        yield return ("messages", _messages);
        yield return ("tools", ReadNode(options.Tools));
        yield return ("documents", ReadNode(options.Documents));
        yield return ("add_generation_prompt", options.AddGenerationPrompt);
        if (options.Variables is not { } variables) yield break;
        foreach (var (name, value) in ((DictValue)ReadNode(variables)!).Items) yield return (((Text)name!).Value, value);
    }

    /// <summary>Ends the text inside of the last message, if it is to be continued.</summary>
    public Text Finish(Text text)
    {
        if (_continued is null) return text;
        var mark = text.Value.LastIndexOf(ContinuationMark.TrimEnd(), StringComparison.Ordinal);
        if (mark < 0)
            throw new ArgumentException("The last message was to be continued, but the template does not show it: leave ContinueFinalMessage out, or change the template.");
        var kept = text[..mark];
        return string.CompareOrdinal(text.Value, mark, ContinuationMark, 0, ContinuationMark.Length) == 0 ? kept : TextCutting.Strip(kept, null, start: false);
    }

    private static DictValue ReadMessage(ChatMessage message)
    {
        var read = (DictValue)ReadNode(message.Fields)!;
        var result = new DictValue();
        foreach (var (key, value) in read.Items)
            if (value is not null) result.Set(key, ((Text)key!).Value == "role" && value is Text role && KnownRoles.Contains(role.Value) ? Text.Trusted(role.Value) : value);

        // The names that templates look for a model's thoughts under.
        foreach (var name in ReasoningNames)
        {
            if (!result.TryGet(Text.Trusted(name), out var reasoning)) continue;
            result.Set(Text.Trusted("reasoning_content"), reasoning);
            if (!result.TryGet(Text.Trusted("thinking"), out _)) result.Set(Text.Trusted("thinking"), reasoning);
            break;
        }

        return result;
    }

    private static object? ReadNode(JsonNode? node)
    {
        if (node is null) return null;
        try
        {
            // Through its text, so that values from anywhere look the same.
            using var json = JsonDocument.Parse(node.ToJsonString(), Strict);
            return Json.Read(json.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new ArgumentException("Messages, tools, documents and variables were expected to be valid JSON, without repeated keys and at most 64 levels deep.", e);
        }
    }

    // Marks where the last message ends.
    private static Text Continue(List<DictValue> messages)
    {
        if (messages is not [.., var last]) throw new ArgumentException("The last message was to be continued, but there is none.");
        last.TryGet(Text.Trusted("content"), out var content);
        if (content is Text text)
        {
            last.Set(Text.Trusted("content"), Mark(text));
            return text;
        }

        foreach (var part in content is ListValue parts ? parts.Items.AsEnumerable().Reverse() : [])
        {
            if (part is not DictValue fields || !fields.TryGet(Text.Trusted("text"), out var value) || value is not Text partText) continue;
            fields.Set(Text.Trusted("text"), Mark(partText));
            return partText;
        }

        throw new ArgumentException("The last message was to be continued, but it has no text.");
    }

    private static Text Mark(Text text) => new TextBuilder().Append(text).Append(ContinuationMark, trusted: false).ToText();
}
