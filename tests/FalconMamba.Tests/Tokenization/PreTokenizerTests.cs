using System.Text.Json.Nodes;

namespace FalconMamba.Tests.Tokenization;

public class PreTokenizerTests
{
    [Theory]
    [InlineData("Isolated", false, "a|,|,|b|,|c")]
    [InlineData("Removed", false, "a|b|c")]
    [InlineData("MergedWithPrevious", false, "a,|,|b,|c")]
    [InlineData("MergedWithNext", false, "a|,|,b|,c")]
    [InlineData("Contiguous", false, "a|,,|b|,|c")]
    [InlineData("Removed", true, ",|,|,")]
    [InlineData("MergedWithPrevious", true, "a|,|,b|,c")]
    [InlineData("MergedWithNext", true, "a,|,|b,|c")]
    public void Delimiters_go_where_the_behavior_says(string behavior, bool invert, string expected) =>
        Assert.Equal(expected, Pieces("a,,b,c", Split(new JsonObject { ["String"] = "," }, behavior, invert)));

    [Theory]
    [InlineData("[0-9][0-9][0-9]", "1234567", "123|456|7")]
    [InlineData("\\s+(?!\\S)|\\s", "a  b c", "a| | |b| |c")]
    [InlineData("[a-z]+", "ab12cd", "ab|12|cd")]
    [InlineData("a*", "ba", "b|a")]
    [InlineData("\\p{L}+", "\U0001D49C\u4E2D1\U0001F600", "\U0001D49C\u4E2D|1\U0001F600")]
    [InlineData(".", "x\U0001F600\u00E9", "x|\U0001F600|\u00E9")]
    public void Expressions_cut_between_characters(string expression, string text, string expected) =>
        Assert.Equal(expected, Pieces(text, Split(new JsonObject { ["Regex"] = expression }, "Isolated")));

    [Fact]
    public void Digits_are_cut_one_by_one_or_in_runs()
    {
        Assert.Equal("a|1|2|b", Pieces("a12b", new JsonObject { ["type"] = "Digits", ["individual_digits"] = true }));
        Assert.Equal("a|12|b", Pieces("a12b", new JsonObject { ["type"] = "Digits", ["individual_digits"] = false }));
    }

    [Fact]
    public void Each_piece_gets_a_prefix_space_unless_it_has_one()
    {
        var tokenizer = TestTokenizers.With(static json => json["pre_tokenizer"] = Sequence(
            new JsonObject { ["type"] = "Punctuation" }, TestTokenizers.ByteLevel(addPrefixSpace: true)));
        Assert.Equal("\u0120a|\u0120|,|\u0120a", TestTokenizers.Bars(tokenizer, "a, a"));
        Assert.Equal([0..1, 1..2, 1..2, 2..4], tokenizer.Tokenize("a, a").Offsets);
    }

    [Theory]
    [InlineData("it's we'll I'd can't", "it|'s| we|'ll| I|'d| can|'t")]
    [InlineData("a   b", "a|  | b")]
    [InlineData("a \n\nb  ", "a| \n|\n|b|  ")]
    [InlineData("x=1; y", "x|=|1|;| y")]
    [InlineData("\u0437\u0434 \u0031\u00B2 \U0001D49C", "\u0437\u0434| 1\u00B2| \U0001D49C")]
    [InlineData("'", "'")]
    [InlineData("''s", "''|s")]
    public void The_expression_of_GPT_2_is_scanned_by_hand(string text, string expected)
    {
        var tokenizer = TestTokenizers.With(static json => json["pre_tokenizer"] = TestTokenizers.ByteLevel());
        Assert.Equal(expected, Join(tokenizer.Model.PreTokenizer, text));
    }

    internal static JsonObject Sequence(params JsonNode[] steps) => new() { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(steps) };

    internal static JsonObject Split(JsonObject pattern, string behavior, bool invert = false) =>
        new() { ["type"] = "Split", ["pattern"] = pattern, ["behavior"] = behavior, ["invert"] = invert };

    private static string Pieces(string text, JsonObject step)
    {
        var tokenizer = TestTokenizers.With(json => json["pre_tokenizer"] = Sequence(step, TestTokenizers.ByteLevel(useRegex: false)));
        return Join(tokenizer.Model.PreTokenizer, text);
    }

    private static string Join(FalconMamba.Tokenization.PreTokenizers.PreTokenizer preTokenizer, string text)
    {
        var buffer = new FalconMamba.Tokenization.PieceBuffer();
        buffer.Load(text, 0, track: true);
        preTokenizer.Apply(buffer);
        return string.Join('|', buffer.Pieces.ToArray().Select(piece => text[buffer.OriginalStart(piece.Start)..buffer.OriginalEnd(piece.Start + piece.Length)]));
    }
}
