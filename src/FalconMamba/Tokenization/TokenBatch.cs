namespace FalconMamba.Tokenization;

/// <summary>Several encoded texts as rows of equal length.</summary>
/// <param name="Ids">By row, the ids.</param>
/// <param name="AttentionMask">By row, 1 for a token of the text and 0 for filling.</param>
public sealed record TokenBatch(int[][] Ids, int[][] AttentionMask);

/// <summary>How a batch is cut and filled.</summary>
public sealed record TokenBatchOptions
{
    /// <summary>The side where short rows are filled; by default the tokenizer's.</summary>
    public SequenceSide? PaddingSide { get; init; }

    /// <summary>The id that fills; by default the tokenizer's pad token.</summary>
    public int? PadId { get; init; }

    /// <summary>Rounds the rows' length up to a multiple of this, if above 0.</summary>
    public int PadToMultipleOf { get; init; }

    /// <summary>Fills all rows to this length instead of the longest row's; longer rows stay.</summary>
    public int? Length { get; init; }

    /// <summary>Cuts rows longer than this, the template's tokens excepted.</summary>
    public int? MaxLength { get; init; }

    /// <summary>The side where long rows are cut.</summary>
    public SequenceSide TruncationSide { get; init; } = SequenceSide.Right;

    /// <summary>Adds the tokens of the file's template.</summary>
    public bool AddSpecialTokens { get; init; } = true;
}
