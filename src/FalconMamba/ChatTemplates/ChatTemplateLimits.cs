namespace FalconMamba.ChatTemplates;

/// <summary>What a template may use before it is refused: a template comes with a model's files and is as hostile as they may be.</summary>
public sealed record ChatTemplateLimits
{
    /// <summary>The longest string, the whole output included, in UTF-16 units.</summary>
    public int MaxLength { get; init; } = 1 << 24;

    /// <summary>All strings and lists built while rendering, in UTF-16 units; an item of a list counts as four.</summary>
    public long MaxBuilt { get; init; } = 1L << 27;

    /// <summary>Expressions, statements and rounds of loops; long strings and lists count more.</summary>
    public long MaxSteps { get; init; } = 20_000_000;

    /// <summary>Macros, call blocks and recursive loops inside each other.</summary>
    public int MaxDepth { get; init; } = 200;
}
