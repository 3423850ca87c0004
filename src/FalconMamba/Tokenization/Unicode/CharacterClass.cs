namespace FalconMamba.Tokenization.Unicode;

/// <summary>The character classes that split patterns ask for.</summary>
[Flags]
internal enum CharacterClass : byte
{
    /// <summary>In no class.</summary>
    None = 0,

    /// <summary><c>\p{L}</c> of the split expressions.</summary>
    Letter = 1,

    /// <summary><c>\p{N}</c> of the split expressions.</summary>
    Number = 2,

    /// <summary><c>\s</c>: the 25 code points with the property White_Space.</summary>
    Space = 4,

    /// <summary>What the Punctuation pre-tokenizer cuts at: ASCII symbols and an old table of P categories.</summary>
    Punctuation = 8,

    /// <summary>What the Digits pre-tokenizer cuts at: a newer table of N categories than <see cref="Number"/>.</summary>
    Numeric = 16,
}
