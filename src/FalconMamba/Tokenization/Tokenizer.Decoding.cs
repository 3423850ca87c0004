using System.Buffers;
using System.Text;

namespace FalconMamba.Tokenization;

public sealed partial class Tokenizer
{
    /// <summary>Turns ids back into text. Bytes that are no UTF-8 become one U+FFFD per maximal invalid part.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="skipSpecialTokens">Leaves special tokens out, and ids that no token has: a model's padding.</param>
    /// <exception cref="ArgumentOutOfRangeException">No token has one of the ids, and they are not left out.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        var bytes = new ArrayBufferWriter<byte>(Math.Max(16, 4 * ids.Length));
        foreach (var id in ids) bytes.Write(BytesOf(id, skipSpecialTokens));
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <summary>Turns ids into text as they come, never in half characters.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="skipSpecialTokens">Leaves special tokens out.</param>
    /// <returns>Pieces, none of them empty, that together are what <see cref="Decode"/> gives.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No token has one of the ids.</exception>
    public IEnumerable<string> Stream(IEnumerable<int> ids, bool skipSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return Pieces();

        IEnumerable<string> Pieces()
        {
            var stream = new TextStream(this, skipSpecialTokens);
            foreach (var id in ids)
                if (stream.Append(id) is { Length: > 0 } piece) yield return piece;
            if (stream.Flush() is { Length: > 0 } rest) yield return rest;
        }
    }

    /// <summary>
    /// The clean-up of spaces that older releases of transformers made after decoding English: no space before
    /// punctuation and contractions. It changes code and quotations too, so nothing here applies it unasked.
    /// </summary>
    public static string CleanUpSpaces(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text
            .Replace(" .", ".", StringComparison.Ordinal)
            .Replace(" ?", "?", StringComparison.Ordinal)
            .Replace(" !", "!", StringComparison.Ordinal)
            .Replace(" ,", ",", StringComparison.Ordinal)
            .Replace(" ' ", "'", StringComparison.Ordinal)
            .Replace(" n't", "n't", StringComparison.Ordinal)
            .Replace(" 'm", "'m", StringComparison.Ordinal)
            .Replace(" 's", "'s", StringComparison.Ordinal)
            .Replace(" 've", "'ve", StringComparison.Ordinal)
            .Replace(" 're", "'re", StringComparison.Ordinal);
    }

    /// <summary>
    /// The bytes that an id decodes to; none for a special token that is skipped, nor then for an id that no token has: models
    /// pad their vocabulary, and may draw what is padding.
    /// </summary>
    internal ReadOnlySpan<byte> BytesOf(int id, bool skipSpecialTokens)
    {
        if (skipSpecialTokens && id >= 0 && _vocabulary.TokenOf(id) is null) return [];
        var bytes = _vocabulary.BytesOf(id);
        return skipSpecialTokens && _vocabulary.IsSpecial(id) ? [] : bytes;
    }
}
