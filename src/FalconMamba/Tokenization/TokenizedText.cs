using System.Collections.Immutable;

namespace FalconMamba.Tokenization;

/// <summary>A text as tokens, with their places in it.</summary>
public sealed record TokenizedText
{
    /// <summary>The token ids.</summary>
    public required ImmutableArray<int> Ids { get; init; }

    /// <summary>The tokens as the vocabulary spells them: byte-level tokens in the byte-level alphabet.</summary>
    public required ImmutableArray<string> Tokens { get; init; }

    /// <summary>
    /// By token, the UTF-16 range of the text it stands for. A token that is a part of a character has the whole
    /// character's range; with trimmed offsets a token of spaces has an empty one; a token the template added has 0..0.
    /// After a lost byte the ranges in the same piece are too far left, as in the reference library.
    /// </summary>
    public required ImmutableArray<Range> Offsets { get; init; }

    /// <summary>The bytes of the text that the vocabulary has no token for. They are in no token; decoding lacks them.</summary>
    public required ImmutableArray<LostByte> LostBytes { get; init; }
}

/// <summary>A byte that the vocabulary has no token for.</summary>
/// <param name="Position">The UTF-16 place of its character in the text.</param>
/// <param name="Value">The byte of the character's UTF-8 form.</param>
public readonly record struct LostByte(int Position, byte Value);
