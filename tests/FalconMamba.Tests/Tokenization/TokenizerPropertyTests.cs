using System.Text;
using FalconMamba.Tokenization;
using FsCheck;
using FsCheck.Fluent;

namespace FalconMamba.Tests.Tokenization;

public class TokenizerPropertyTests
{
    private static readonly string[] Fragments =
    [
        " ", "  ", "\n", "a", "ab", "the", " king", "assistant", "<|im_end|>", ">>TITLE<<", "'s", "1", "234", "\u00E9", "e\u0301", "\u0323",
        "\u043C", "\u4E2D", "\u00BD", "\uFB01", "\uD55C", "\U0001F600", "\U0001D49C", "\uD800", "\uDC00", "\u0003", "\u0000", "\uFFFD", "\u3000", "!", ",",
    ];

    private static readonly Arbitrary<string> Texts = Gen.OneOf(
        Gen.Elements(Fragments),
        Gen.Choose(0, 0xFFFF).Select(static c => ((char)c).ToString())).ArrayOf().Select(static parts => string.Concat(parts)).ToArbitrary();

    private static readonly string[] Names = ["falcon", "falcon-instruct", "gpt-neox", "gpt-2"];

    [Fact]
    public void Texts_without_lost_bytes_come_back() => ForAll(static (tokenizer, text) =>
    {
        var encoded = tokenizer.Tokenize(text);
        var expected = tokenizer.Model.Normalizer?.Normalize(text) ?? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        var decoded = tokenizer.Decode(encoded.Ids.AsSpan());

        // An added token between two parts keeps them from composing, so the whole is compared in normal form.
        return encoded.LostBytes.Length > 0 || (tokenizer.Model.Normalizer?.Normalize(decoded) ?? decoded) == expected;
    });

    [Fact]
    public void Lost_bytes_are_the_bytes_that_have_no_token() => ForAll(static (tokenizer, text) =>
        tokenizer.Model.Normalizer is not null
        || tokenizer.Tokenize(text).LostBytes.Select(static lost => lost.Value)
            .SequenceEqual(Encoding.UTF8.GetBytes(text).Where(value => tokenizer.TokenToId(ByteLevelAlphabet.CharacterOf[value].ToString()) is null)));

    [Fact]
    public void A_text_that_is_trusted_as_a_whole_is_like_any_other() => ForAll(static (tokenizer, text) =>
        tokenizer.Encode(text, trustedRanges: [Range.All]).SequenceEqual(tokenizer.Encode(text))
        && tokenizer.Tokenize(text, trustedRanges: [0..(text.Length / 2), (text.Length / 2)..^0]).Ids.SequenceEqual(tokenizer.Encode(text)));

    [Fact]
    public void An_untrusted_text_has_no_special_token() => ForAll(static (tokenizer, text) =>
    {
        var special = tokenizer.AddedTokens.Where(static token => token.Special).Select(static token => token.Id);
        return !tokenizer.Encode(text, trustedRanges: []).Intersect(special).Any();
    });

    [Fact]
    public void Every_way_to_encode_gives_the_same_ids() => ForAll(static (tokenizer, text) =>
    {
        var ids = new int[(3 * text.Length) + 1];
        var count = tokenizer.EncodeTo(text, ids);
        return ids.AsSpan(0, count).SequenceEqual(tokenizer.Encode(text))
            && tokenizer.Tokenize(text).Ids.AsSpan().SequenceEqual(ids.AsSpan(0, count))
            && tokenizer.EncodeBatch([text]).Ids[0].AsSpan().SequenceEqual(ids.AsSpan(0, count));
    });

    [Fact]
    public void Offsets_rise_inside_the_text() => ForAll(static (tokenizer, text) =>
    {
        var encoded = tokenizer.Tokenize(text);
        var (start, end) = (0, 0);
        foreach (var offset in encoded.Offsets)
        {
            if (offset.Start.Value < start || offset.End.Value < end || offset.End.Value < offset.Start.Value || offset.End.Value > text.Length) return false;
            (start, end) = (offset.Start.Value, offset.End.Value);
        }

        return encoded.Offsets.Length == encoded.Ids.Length && encoded.Tokens.Length == encoded.Ids.Length;
    });

    [Fact]
    public void Streams_of_any_ids_join_to_the_decoded_text_without_half_characters()
    {
        foreach (var tokenizer in Tokenizers())
        {
            var ids = Gen.OneOf(Gen.Choose(0, 255), Gen.Choose(0, tokenizer.VocabularySize - 1)).ArrayOf().ToArbitrary();
            Prop.ForAll(ids, ids =>
            {
                var pieces = tokenizer.Stream(ids).ToArray();
                return string.Concat(pieces) == tokenizer.Decode(ids)
                    && pieces.All(static piece => piece.Length > 0 && piece.EnumerateRunes().Sum(static rune => rune.Utf16SequenceLength) == piece.Length
                        && !piece.Where((c, i) => char.IsSurrogate(c) && !IsInPair(piece, i)).Any());
            }).QuickCheckThrowOnFailure();
        }
    }

    [Fact]
    public void Threads_share_one_tokenizer()
    {
        var tokenizer = TokenizerFixtures.Named("falcon");
        var texts = Enumerable.Range(0, 64).Select(static i => string.Concat(Enumerable.Range(0, 200).Select(j => $" word{i * j % 97} \u00E9{j}"))).ToArray();
        var alone = texts.Select(text => tokenizer.Encode(text)).ToArray();
        Parallel.For(0, 512, i => Assert.Equal(alone[i % 64], tokenizer.Encode(texts[i % 64])));
    }

    private static bool IsInPair(string text, int i) =>
        char.IsHighSurrogate(text[i]) ? i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]) : i > 0 && char.IsHighSurrogate(text[i - 1]);

    private static IEnumerable<Tokenizer> Tokenizers() => Names.Select(TokenizerFixtures.Named);

    private static void ForAll(Func<Tokenizer, string, bool> holds)
    {
        foreach (var tokenizer in Tokenizers()) Prop.ForAll(Texts, text => holds(tokenizer, text)).QuickCheckThrowOnFailure();
    }
}
