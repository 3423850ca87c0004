using System.Text.Json.Nodes;
using FalconMamba.Generation;
using Microsoft.Extensions.AI;
using TemplateMessage = FalconMamba.ChatTemplates.ChatMessage;

namespace FalconMamba.Extensions.AI.Chat;

/// <summary>A request in the library's own terms.</summary>
internal sealed record ChatRequest
{
    /// <summary>What stands before the conversation, as a template sees it.</summary>
    public required TemplateMessage[] Instructions { get; init; }

    /// <summary>The conversation as a template sees it.</summary>
    public required TemplateMessage[] Messages { get; init; }

    /// <summary>What it goes on from; null where all messages were given.</summary>
    public Conversation? Before { get; init; }

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
    public static ChatRequest Read(IChatClient client, FalconMambaEngine engine, IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var generation = RequestOptions.Read(client, engine, options);
        var before = options?.ConversationId is { } id ? Find(engine, id) : null;
        return new ChatRequest
        {
            Instructions = string.IsNullOrEmpty(options?.Instructions) ? [] : [new TemplateMessage(ChatRole.System.Value, options.Instructions)],
            Messages = [.. before?.Messages ?? [], .. TemplateMessages.Of(messages)],
            Before = before,
            Options = generation,
            Tools = RequestTools.Read(options),
            OneCall = options?.AllowMultipleToolCalls == false,
        };
    }

    private static Conversation Find(FalconMambaEngine engine, string id) => engine.Conversations is { } conversations
        ? conversations.Find(id) ?? throw new UnsupportedOptionException(
            nameof(ChatOptions.ConversationId), "No answer with this ConversationId is kept, or not any more: leave it out, and give all messages.")
        : throw new UnsupportedOptionException(
            nameof(ChatOptions.ConversationId), "Conversations are not kept between requests: set FalconMambaOptions.ConversationBytes, or leave ConversationId out and give all messages.");
}
