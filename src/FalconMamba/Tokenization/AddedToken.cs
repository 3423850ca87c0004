namespace FalconMamba.Tokenization;

/// <summary>A token that is cut out of the text as a whole before any other work, such as <c>&lt;|im_end|&gt;</c>.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">The text it matches and decodes to.</param>
public sealed record AddedToken(int Id, string Content)
{
    /// <summary>Whether it matches only where no word continues on either side.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Whether it takes the white space before it along.</summary>
    public bool LeftStrip { get; init; }

    /// <summary>Whether it takes the white space after it along.</summary>
    public bool RightStrip { get; init; }

    /// <summary>Whether it matches in the normalized text instead of the raw text.</summary>
    public bool Normalized { get; init; }

    /// <summary>
    /// Whether it is a control token: decoding can skip it, and it matches only in text that is trusted.
    /// </summary>
    public bool Special { get; init; }
}
