using FalconMamba.Tokenization.Normalizers;
using FalconMamba.Tokenization.PreTokenizers;

namespace FalconMamba.Tokenization;

/// <summary>
/// Everything that turns text into ids, whatever file it was read from. Already checked: ids are not negative and their
/// highest is in proportion to their number, no two tokens share one, merges and template ids name tokens that exist.
/// </summary>
internal sealed record TokenizerModel
{
    /// <summary>The ids by token, in the byte-level alphabet.</summary>
    public required IReadOnlyDictionary<string, int> Vocabulary { get; init; }

    /// <summary>Pairs of ids and the id they merge into, the first pair first merged.</summary>
    public required IReadOnlyList<Merge> Merges { get; init; }

    /// <summary>Tokens cut out of the text before any other work.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    /// <summary>Rewrites the text between added tokens; null for none.</summary>
    public Normalizer? Normalizer { get; init; }

    /// <summary>Cuts the text and writes it in the byte-level alphabet.</summary>
    public required PreTokenizer PreTokenizer { get; init; }

    /// <summary>The id for bytes without a token; null drops them.</summary>
    public int? UnknownId { get; init; }

    /// <summary>Whether neighbouring bytes without a token share one <see cref="UnknownId"/>.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Whether a piece that is a token as it stands is taken without merging.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>How white space at the ends of tokens counts in offsets.</summary>
    public OffsetTrimming OffsetTrimming { get; init; }

    /// <summary>Ids put before every text when special tokens are asked for.</summary>
    public IReadOnlyList<int> Prefix { get; init; } = [];

    /// <summary>Ids put after every text when special tokens are asked for.</summary>
    public IReadOnlyList<int> Suffix { get; init; } = [];

    /// <summary>The text that an added token matches and decodes to: its content, normalized if it matches normalized text.</summary>
    public string FormOf(AddedToken token) => token.Normalized && Normalizer is not null ? Normalizer.Normalize(token.Content) : token.Content;
}

/// <summary>One merge of byte-pair encoding.</summary>
/// <param name="Left">The left token's id.</param>
/// <param name="Right">The right token's id.</param>
/// <param name="Result">The id of the token they become.</param>
internal readonly record struct Merge(int Left, int Right, int Result);

/// <summary>What a token's offsets cover when white space is at its ends.</summary>
internal enum OffsetTrimming
{
    /// <summary>All of the token.</summary>
    None,

    /// <summary>The token without white space at its ends.</summary>
    Trim,

    /// <summary>The same, but a single space at the very start counts as one that the tokenizer put there.</summary>
    TrimAfterPrefixSpace,
}
