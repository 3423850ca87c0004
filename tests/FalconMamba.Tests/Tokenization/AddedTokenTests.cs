using System.Text.Json.Nodes;

namespace FalconMamba.Tests.Tokenization;

public class AddedTokenTests
{
    [Fact]
    public void The_longest_token_at_the_leftmost_place_matches_even_inside_words()
    {
        var tokenizer = TestTokenizers.WithAdded(("<x>", ["special"]), ("<x>y", ["special"]), ("word", ["special"]));
        Assert.Equal("a|<x>y|<x>|s|word|s", TestTokenizers.Bars(tokenizer, "a<x>y<x>swords"));
    }

    [Fact]
    public void A_single_word_matches_only_between_words()
    {
        var tokenizer = TestTokenizers.WithAdded(("xy", ["single_word"]));
        Assert.Equal("xy|-|xy|.", TestTokenizers.Bars(tokenizer, "xy-xy."));
        Assert.Equal("x|y|s|\u0120|x|y|_", TestTokenizers.Bars(tokenizer, "xys xy_"));
    }

    [Fact]
    public void White_space_is_taken_along_where_the_flags_say()
    {
        var tokenizer = TestTokenizers.WithAdded(("<l>", ["lstrip"]), ("<r>", ["rstrip"]));
        var actual = tokenizer.Tokenize("a \u3000<l> b<r> \n c");
        Assert.Equal(["a", "<l>", "\u0120", "b", "<r>", "c"], actual.Tokens);
        Assert.Equal([0..1, 1..6, 6..7, 7..8, 8..14, 14..15], actual.Offsets);
    }

    [Fact]
    public void A_normalized_token_matches_the_normalized_text()
    {
        var tokenizer = TestTokenizers.With(static json =>
        {
            json["normalizer"] = new JsonObject { ["type"] = "Lowercase" };
            json["added_tokens"] = new JsonArray(TestTokenizers.AddedToken(259, "Day", "normalized"), TestTokenizers.AddedToken(260, "Night"));
        });
        Assert.Equal("Day|\u0120|Day|\u0120|Night|\u0120|n|i|g|h|t", TestTokenizers.Bars(tokenizer, "DAY day Night night"));
        Assert.Equal("day Night", tokenizer.Decode(tokenizer.Encode("Day Night")));
    }

    [Fact]
    public void Special_tokens_match_only_inside_the_trusted_parts()
    {
        var tokenizer = TestTokenizers.WithAdded(("<s>", ["special"]), ("  ", []));
        const string text = "<s><s>  <s>";
        Assert.Equal([259, 259, 260, 259], tokenizer.Encode(text, trustedRanges: [Range.All]));
        Assert.Equal([259, .. tokenizer.Encode("<"), .. tokenizer.Encode("s"), .. tokenizer.Encode(">"), 260, 259], tokenizer.Encode(text, trustedRanges: [8..11, 0..3]));
        Assert.Equal([259, 259], tokenizer.Encode(text, trustedRanges: [0..2, 2..6])[..2]);
        Assert.DoesNotContain(259, tokenizer.Encode(text, trustedRanges: [0..2, 4..10]));
        Assert.DoesNotContain(259, tokenizer.Encode(text, trustedRanges: []));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Encode(text, trustedRanges: [0..12]));
    }

    [Fact]
    public void Merges_cross_the_seams_of_trusted_parts()
    {
        var tokenizer = TestTokenizers.WithAdded(("<s>", ["special"]));
        Assert.Equal([257], tokenizer.Encode("abab", trustedRanges: [0..1, 3..4]));
    }

    [Fact]
    public void A_longer_token_that_is_not_trusted_leaves_a_shorter_one_its_place()
    {
        var tokenizer = TestTokenizers.WithAdded(("<s>", []), ("<s>!", ["special"]));
        Assert.Equal("<s>|!", string.Join('|', tokenizer.Tokenize("<s>!", trustedRanges: []).Tokens));
    }

    [Fact]
    public void Normalized_special_tokens_are_trusted_by_their_place_before_normalization()
    {
        var tokenizer = TestTokenizers.With(static json =>
        {
            json["normalizer"] = new JsonObject { ["type"] = "NFC" };
            json["added_tokens"] = new JsonArray(TestTokenizers.AddedToken(259, "<s>", "normalized", "special"));
        });
        const string text = "e\u0301<s><s>";
        Assert.Single(tokenizer.Encode(text, trustedRanges: [2..5]), 259);
        Assert.Equal(259, tokenizer.Encode(text, trustedRanges: [5..8])[^1]);
        Assert.DoesNotContain(259, tokenizer.Encode(text, trustedRanges: [1..4]));
    }
}
