using System.Text.Json;
using System.Text.Json.Nodes;

namespace FalconMamba.ChatTemplates;

/// <summary>
/// A message of a conversation: a role, a content, and whatever else a template knows, such as <c>tool_calls</c> or
/// <c>reasoning_content</c>.
/// </summary>
public sealed class ChatMessage
{
    /// <summary>Creates a message of text.</summary>
    /// <param name="role">Who speaks: <c>system</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>.</param>
    /// <param name="content">What is said; null for nothing, as in a message of tool calls alone.</param>
    public ChatMessage(string role, string? content)
    {
        ArgumentNullException.ThrowIfNull(role);
        Fields = new JsonObject { ["role"] = role, ["content"] = content };
    }

    /// <summary>Creates a message of any fields, in the layout of the chat completions API.</summary>
    /// <param name="fields">The fields; fields that are null count as missing.</param>
    public ChatMessage(JsonObject fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Fields = fields;
    }

    /// <summary>All fields, role and content among them, in the order in which a template sees them.</summary>
    public JsonObject Fields { get; }

    /// <summary>Who speaks; null if the message has no role.</summary>
    public string? Role => TextOf("role");

    /// <summary>What is said, if it is one text; null if there is none, or a list of parts.</summary>
    public string? Content => TextOf("content");

    private string? TextOf(string key) => Fields[key] is { } node && node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : null;
}
