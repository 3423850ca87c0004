using System.Collections.Immutable;

namespace FalconMamba.Formats.Gguf;

/// <summary>The special tokens that a GGUF file's metadata names.</summary>
internal static class GgufTokens
{
    /// <summary>The key of the tokens' texts.</summary>
    public const string TokensKey = "tokenizer.ggml.tokens";

    /// <summary>The key of the tokens' kinds.</summary>
    public const string KindsKey = "tokenizer.ggml.token_type";

    /// <summary>The kind of tokens that never stand for text.</summary>
    public const int Control = 3;

    // Ends a turn in ChatML. Files whose converter knew only one end token do not name it, and models then run on.
    private static ReadOnlySpan<byte> EndOfTurn => "<|im_end|>"u8;

    /// <summary>The token that begins a text.</summary>
    public static int? Bos(GgufFile file) => Find(file, "bos_token_id");

    /// <summary>The token that ends a text.</summary>
    public static int? Eos(GgufFile file) => Find(file, "eos_token_id");

    /// <summary>The token for padding.</summary>
    public static int? Pad(GgufFile file) => Find(file, "padding_token_id");

    /// <summary>The token for what has none.</summary>
    public static int? Unknown(GgufFile file) => Find(file, "unknown_token_id");

    /// <summary>The tokens that end a text, a turn or a message.</summary>
    public static ImmutableArray<int> Ends(GgufFile file)
    {
        var ends = new[] { Eos(file), Find(file, "eot_token_id") ?? FindEndOfTurn(file), Find(file, "eom_token_id") };
        return [.. ends.OfType<int>().Distinct()];
    }

    private static int? Find(GgufFile file, string key)
    {
        if (!file.Metadata.TryGetValue($"tokenizer.ggml.{key}", out var value)) return null;

        // −1, as 32 bits, is written for "none".
        return value.ToInt64() switch
        {
            -1 or uint.MaxValue => null,
            >= 0 and <= int.MaxValue and var id => (int)id,
            var other => throw value.Fault($"a token id was expected, found {other}"),
        };
    }

    private static int? FindEndOfTurn(GgufFile file)
    {
        if (!file.Metadata.TryGetValue(TokensKey, out var tokens) || tokens.ElementType != GgufValueType.Text) return null;
        if (!file.Metadata.TryGetValue(KindsKey, out var kinds) || kinds.ElementType != GgufValueType.I32) return null;
        var id = 0;
        foreach (var (token, kind) in tokens.Items.Zip(kinds.Items))
        {
            if (kind.ToInt64() == Control && token.TextBytes.SequenceEqual(EndOfTurn)) return id;
            id++;
        }

        return null;
    }
}
