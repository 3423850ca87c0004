namespace FalconMamba.Tokenization;

/// <summary>An end of a sequence of tokens.</summary>
public enum SequenceSide
{
    /// <summary>The start.</summary>
    Left,

    /// <summary>The end.</summary>
    Right,
}
