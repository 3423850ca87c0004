using System.Collections.Immutable;
using FalconMamba.ChatTemplates;
using FalconMamba.Generation;

namespace FalconMamba;

/// <summary>What a pipeline generated.</summary>
public sealed record TextGenerationResult
{
    /// <summary>The text (<c>generated_text</c>), behind the given one where that was asked for; of a conversation only what is new.</summary>
    public required string GeneratedText { get; init; }

    /// <summary>Why it ended.</summary>
    public required FinishReason FinishReason { get; init; }

    /// <summary>Of a conversation, all of it with the new text at its end; else empty.</summary>
    public ImmutableArray<ChatMessage> Messages { get; init; } = [];
}
