namespace FalconMamba.Extensions.AI;

/// <summary>Which of a text's hidden rows its embedding is.</summary>
public enum EmbeddingPooling
{
    /// <summary>The mean of the rows of all tokens.</summary>
    Mean,

    /// <summary>The row of the last token, which has seen the whole text.</summary>
    Last,
}
