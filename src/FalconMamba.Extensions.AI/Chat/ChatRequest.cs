using System.Text.Json.Nodes;
using FalconMamba.Generation;
using Microsoft.Extensions.AI;
using TemplateMessage = FalconMamba.ChatTemplates.ChatMessage;

namespace FalconMamba.Extensions.AI.Chat;

/// <summary>A request in the library's own terms.</summary>
internal sealed record ChatRequest
{
    /// <summary>The conversation as a template sees it.</summary>
    public required TemplateMessage[] Messages { get; init; }

    /// <summary>How tokens are chosen and when to stop.</summary>
    public required GenerationOptions Options { get; init; }

    /// <summary>The functions that the model may call, as a template sees them; null for none.</summary>
    public JsonArray? Tools { get; init; }

    /// <summary>Whether the answer ends with its first call.</summary>
    public bool OneCall { get; init; }

    /// <summary>Reads a request.</summary>
    /// <param name="client">Who was asked.</param>
    /// <param name="engine">What will answer.</param>
    /// <param name="messages">The conversation.</param>
    /// <param name="options">What is asked for; null for nothing in particular.</param>
    /// <exception cref="UnsupportedOptionException">An option cannot be honoured.</exception>
    /// <exception cref="NotSupportedException">A message holds something other than text and calls.</exception>
    public static ChatRequest Read(IChatClient client, FalconMambaEngine engine, IEnumerable<ChatMessage> messages, ChatOptions? options) => new()
    {
        Messages = [.. TemplateMessages.Of(messages, options?.Instructions)],
        Options = RequestOptions.Read(client, engine, options),
        Tools = RequestTools.Read(options),
        OneCall = options?.AllowMultipleToolCalls == false,
    };
}
