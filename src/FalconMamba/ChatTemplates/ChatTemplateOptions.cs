using System.Text.Json.Nodes;

namespace FalconMamba.ChatTemplates;

/// <summary>What a template is told besides the messages.</summary>
public sealed record ChatTemplateOptions
{
    /// <summary>Ends the text with what makes the model answer.</summary>
    public bool AddGenerationPrompt { get; init; }

    /// <summary>Ends the text inside of the last message, for the model to go on with it.</summary>
    public bool ContinueFinalMessage { get; init; }

    /// <summary>Descriptions of functions that the model may call, as JSON schemas.</summary>
    public JsonArray? Tools { get; init; }

    /// <summary>Documents to answer from.</summary>
    public JsonArray? Documents { get; init; }

    /// <summary>Further variables, such as <c>enable_thinking</c>. They count as text from outside.</summary>
    public JsonObject? Variables { get; init; }

    /// <summary>The name of one of a tokenizer's templates; null for the default one, or <c>tool_use</c> if there are tools and such a template.</summary>
    public string? TemplateName { get; init; }

    /// <summary>
    /// Trusts everything, as the reference does: a special token that a user types becomes one.
    /// </summary>
    public bool TrustsMessages { get; init; }

    /// <summary>What a template's clock shows.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>What a template may use.</summary>
    public ChatTemplateLimits Limits { get; init; } = new();
}
