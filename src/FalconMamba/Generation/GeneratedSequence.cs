using System.Collections.Immutable;

namespace FalconMamba.Generation;

/// <summary>One generated sequence.</summary>
public sealed record GeneratedSequence
{
    /// <summary>The generated ids, a stop id included; the prompt is not among them.</summary>
    public required int[] Ids { get; init; }

    /// <summary>Why it ended.</summary>
    public required FinishReason FinishReason { get; init; }

    /// <summary>The text before a stop id or stop string, special tokens left out; null where no tokenizer was given.</summary>
    public string? Text { get; init; }

    /// <summary>With beams, its log probability over its length to the power of the length penalty.</summary>
    public double? Score { get; init; }

    /// <summary>What the options ask to be kept of each token; empty if it is nothing.</summary>
    public ImmutableArray<TokenDetails> Tokens { get; init; } = [];
}

/// <summary>What a call generated.</summary>
public sealed record GenerationOutput
{
    /// <summary>The prompt's ids.</summary>
    public required ReadOnlyMemory<int> Prompt { get; init; }

    /// <summary>The sequences: drawn ones in their order, beams best first.</summary>
    public required ImmutableArray<GeneratedSequence> Answers { get; init; }

    /// <summary>Prompt and answer of each, as transformers' <c>generate</c> returns them, but without padding.</summary>
    public int[][] Sequences => [.. Answers.Select(answer => (int[])[.. Prompt.Span, .. answer.Ids])];
}
