using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using TemplateMessage = FalconMamba.ChatTemplates.ChatMessage;

namespace FalconMamba.Extensions.AI.Chat;

/// <summary>Messages in the layout that chat templates know: that of the chat completions API.</summary>
internal static class TemplateMessages
{
    /// <summary>The messages of a request.</summary>
    /// <param name="messages">The conversation.</param>
    /// <exception cref="NotSupportedException">A message holds something other than text and calls.</exception>
    public static IEnumerable<TemplateMessage> Of(IEnumerable<ChatMessage> messages)
    {
        foreach (var message in messages)
        {
            // A template sees one result a message.
            foreach (var result in message.Contents.OfType<FunctionResultContent>()) yield return Result(result);
            if (message.Contents.Count == 0 || message.Contents.Any(content => content is not FunctionResultContent)) yield return Text(message);
        }
    }

    private static TemplateMessage Text(ChatMessage message)
    {
        var fields = new JsonObject { ["role"] = message.Role.Value, ["content"] = message.Text };
        var calls = new JsonArray();
        foreach (var content in message.Contents)
        {
            switch (content)
            {
                case FunctionCallContent call:
                    calls.Add((JsonNode)Call(call));
                    break;
                case TextReasoningContent reasoning:
                    fields["reasoning_content"] = (fields["reasoning_content"]?.GetValue<string>() ?? "") + reasoning.Text;
                    break;
                case TextContent or FunctionResultContent or UsageContent:
                    break;
                default:
                    throw new NotSupportedException($"A message holds {content.GetType().Name}, and the model reads text: leave it out, or say it in words.");
            }
        }

        if (calls.Count > 0) fields["tool_calls"] = calls;
        return new TemplateMessage(fields);
    }

    private static JsonObject Call(FunctionCallContent call) => new()
    {
        ["id"] = call.CallId,
        ["type"] = "function",
        ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = Arguments(call.Arguments) },
    };

    private static JsonObject Arguments(IDictionary<string, object?>? arguments)
    {
        var fields = new JsonObject();
        foreach (var (name, value) in arguments ?? new Dictionary<string, object?>()) fields[name] = Node(value);
        return fields;
    }

    private static TemplateMessage Result(FunctionResultContent result) => new(new JsonObject
    {
        ["role"] = ChatRole.Tool.Value,
        ["tool_call_id"] = result.CallId,
        ["content"] = Node(result.Result) switch
        {
            null => result.Exception is null ? "" : "Error: the function failed.",
            JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
            var node => node.ToJsonString(),
        },
    });

    private static JsonNode? Node(object? value) =>
        value is null ? null : JsonSerializer.SerializeToNode(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(value.GetType()));
}
