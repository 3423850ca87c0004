namespace FalconMamba.Tokenization.PreTokenizers;

/// <summary>What becomes of the delimiters that a pattern finds.</summary>
internal enum SplitBehavior
{
    /// <summary>Each delimiter is a piece of its own.</summary>
    Isolated,

    /// <summary>Delimiters are left out.</summary>
    Removed,

    /// <summary>A delimiter ends the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>A delimiter starts the piece after it.</summary>
    MergedWithNext,

    /// <summary>Delimiters that touch are one piece.</summary>
    Contiguous,
}
