using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace FalconMamba.Extensions.AI.Chat;

/// <summary>The functions of a request, as chat templates know them.</summary>
internal static class RequestTools
{
    /// <summary>Reads the functions; null where there are none to call.</summary>
    /// <exception cref="UnsupportedOptionException">A tool is no function, or a call is to be forced.</exception>
    public static JsonArray? Read(ChatOptions? options)
    {
        if (options?.Tools is not { Count: > 0 } tools || options.ToolMode is NoneChatToolMode) return null;
        if (options.ToolMode is RequiredChatToolMode)
        {
            throw new UnsupportedOptionException(
                nameof(ChatOptions.ToolMode), "ToolMode requires a call, and nothing can force a model to make one: use ChatToolMode.Auto, and ask for the call in the instructions.");
        }

        var described = new JsonArray();
        foreach (var tool in tools)
        {
            if (tool is not AIFunctionDeclaration function)
            {
                throw new UnsupportedOptionException(
                    nameof(ChatOptions.Tools), $"The tool {tool.Name} is a service that a provider hosts, and this model runs here: give functions, as AIFunctionFactory makes them.");
            }

            described.Add((JsonNode)new JsonObject
            {
                ["type"] = "function",
                ["function"] = new JsonObject
                {
                    ["name"] = function.Name,
                    ["description"] = function.Description,
                    ["parameters"] = JsonNode.Parse(function.JsonSchema.GetRawText()),
                },
            });
        }

        return described;
    }
}
