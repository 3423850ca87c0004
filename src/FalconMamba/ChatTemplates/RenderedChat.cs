using System.Collections.Immutable;

namespace FalconMamba.ChatTemplates;

/// <summary>A conversation as text, and which parts of it the template wrote.</summary>
public sealed record RenderedChat
{
    /// <summary>The text.</summary>
    public required string Text { get; init; }

    /// <summary>The parts that may hold special tokens, ascending, in UTF-16 units: those that the template wrote, not the messages.</summary>
    public required ImmutableArray<Range> TrustedRanges { get; init; }

    /// <summary>The parts that the model writes, as the template's <c>generation</c> blocks tell; in UTF-16 units.</summary>
    public ImmutableArray<Range> GenerationRanges { get; init; } = [];

    /// <summary>The text.</summary>
    public override string ToString() => Text;
}
