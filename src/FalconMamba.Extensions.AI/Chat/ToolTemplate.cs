using System.Text.Json.Nodes;
using FalconMamba.ChatTemplates;
using FalconMamba.Tokenization;
using Microsoft.Extensions.AI;
using TemplateMessage = FalconMamba.ChatTemplates.ChatMessage;

namespace FalconMamba.Extensions.AI.Chat;

/// <summary>What a model's chat template says of tools: found out once, by a conversation in which nobody speaks of them.</summary>
internal sealed class ToolTemplate(Tokenizer tokenizer, string modelId)
{
    private readonly Lazy<string?> _obstacle = new(() => ObstacleOf(tokenizer, modelId));

    /// <summary>Refuses tools where the template has no place for them, or asks for calls in a form that is not read.</summary>
    /// <exception cref="UnsupportedOptionException">It is so.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the plainest of conversations.</exception>
    public void ThrowIfUnsupported()
    {
        if (_obstacle.Value is { } obstacle) throw new UnsupportedOptionException(nameof(ChatOptions.Tools), obstacle);
    }

    private static string? ObstacleOf(Tokenizer tokenizer, string modelId)
    {
        var withTools = Render(RequestTools.Read(new ChatOptions { Tools = [AIFunctionFactory.Create(static () => 0, "count")] }));
        if (withTools == Render(null)) return $"The chat template of {modelId} has no place for tools: leave them out, or use a model that was trained to call functions.";
        return withTools.Contains(ToolCallReader.Opening, StringComparison.Ordinal)
            ? null
            : $"The chat template of {modelId} asks for calls in a form of its own, and only {ToolCallReader.Opening} is read: leave the tools out.";

        string Render(JsonArray? tools) => tokenizer.ApplyChatTemplate([new TemplateMessage(ChatRole.User.Value, "?")], new ChatTemplateOptions { AddGenerationPrompt = true, Tools = tools }).Text;
    }
}
