using System.Text;
using System.Text.Json.Nodes;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Tokenization;

public class TokenizerJsonTests
{
    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"model\": 1}")]
    [InlineData("{\"model\": {\"vocab\": []}}")]
    [InlineData("{\"version\": 1}")]
    [InlineData("{\"version\": \"2.0\"}")]
    [InlineData("{\"version\": \"1.0\", \"version\": \"1.0\"}")]
    [InlineData("{\"version\": \"\\ud800\"}")]
    [InlineData("{\"\\ud800\": 1}")]
    [InlineData("version https://git-lfs.github.com/spec/v1\n")]
    [InlineData("<!doctype html>")]
    public void A_file_that_is_no_tokenizer_is_refused(string json) => TestTokenizers.Refused(json);

    [Fact]
    public void Deep_nesting_is_refused()
    {
        TestTokenizers.Refused(new string('[', 100_000));
        TestTokenizers.Refused("{\"model\":" + string.Concat(Enumerable.Repeat("{\"a\":", 100_000)));
        var sequence = TestTokenizers.ByteLevel();
        for (var i = 0; i < 25; i++) sequence = new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(sequence) };
        TestTokenizers.With(json => json["pre_tokenizer"] = sequence);
        TestTokenizers.Refused("{\"pre_tokenizer\":" + string.Concat(Enumerable.Repeat("{\"type\":\"Sequence\",\"pretokenizers\":[", 10_000)));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    [InlineData(1_000_000)]
    public void Ids_out_of_proportion_are_refused_without_allocating_for_them(int id)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        TestTokenizers.Refused(json => json["model"]!["vocab"]!["abab"] = id);
        TestTokenizers.Refused(json => json["added_tokens"]!.AsArray().Add(TestTokenizers.AddedToken(id, "x y")));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4_000_000);
    }

    [Fact]
    public void Ids_that_are_no_integers_are_refused()
    {
        foreach (var id in new JsonNode[] { 1.5, 4e9, "1", true, new JsonArray() })
            Assert.Equal("model.vocab.abab", TestTokenizers.Refused(json => json["model"]!["vocab"]!["abab"] = id.DeepClone()).Place);
    }

    [Fact]
    public void Ids_with_gaps_are_accepted()
    {
        var tokenizer = TestTokenizers.With(static json => json["model"]!["vocab"]!["abab"] = 5000);
        Assert.Equal([5000], tokenizer.Encode("abab"));
        Assert.Equal("abab", tokenizer.Decode([5000]));
        Assert.Null(tokenizer.IdToToken(4999));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([4999]));
        Assert.Equal(259, tokenizer.VocabularySize);
    }

    [Fact]
    public void Two_tokens_with_one_id_are_refused()
    {
        TestTokenizers.Refused(static json => json["model"]!["vocab"]!["abab"] = 3);
        TestTokenizers.Refused(static json => json["added_tokens"] = new JsonArray(TestTokenizers.AddedToken(300, "x"), TestTokenizers.AddedToken(300, "y")));
        TestTokenizers.Refused(static json => json["added_tokens"] = new JsonArray(TestTokenizers.AddedToken(300, "x"), TestTokenizers.AddedToken(301, "x")));
        TestTokenizers.Refused(static json => json["added_tokens"] = new JsonArray(TestTokenizers.AddedToken(300, "abab")));
        TestTokenizers.Refused(static json => json["added_tokens"] = new JsonArray(TestTokenizers.AddedToken(3, "x y")));
    }

    [Theory]
    [InlineData("\"a zz\"")]
    [InlineData("\"zz a\"")]
    [InlineData("\"b a\"")]
    [InlineData("\"ab\"")]
    [InlineData("\"a b c\"")]
    [InlineData("[\"a\"]")]
    [InlineData("[\"a\", \"b\", \"c\"]")]
    [InlineData("[\"a\", 1]")]
    [InlineData("7")]
    public void A_merge_that_names_no_two_tokens_with_a_union_is_refused(string merge) =>
        Assert.StartsWith("model.merges[1]", TestTokenizers.Refused(json => json["model"]!["merges"]![1] = JsonNode.Parse(merge)).Place, StringComparison.Ordinal);

    [Fact]
    public void Of_equal_merges_the_last_counts()
    {
        var tokenizer = TestTokenizers.With(static json => json["model"]!["merges"] = new JsonArray("a b", "\u0120 a", "a b"));
        Assert.Equal("\u0120a|b", TestTokenizers.Bars(tokenizer, " ab"));
    }

    [Fact]
    public void What_is_not_known_is_refused_by_its_name()
    {
        Assert.Equal("extra", TestTokenizers.Refused(static json => json["extra"] = 1).Place);
        Assert.Equal("model.extra", TestTokenizers.Refused(static json => json["model"]!["extra"] = 1).Place);
        Assert.Equal("model.type", TestTokenizers.Refused(static json => json["model"]!["type"] = "WordPiece").Place);
        Assert.Equal("model.dropout", TestTokenizers.Refused(static json => json["model"]!["dropout"] = 0.1).Place);
        Assert.Equal("model.byte_fallback", TestTokenizers.Refused(static json => json["model"]!["byte_fallback"] = true).Place);
        Assert.Equal("model.unk_token", TestTokenizers.Refused(static json => json["model"]!["unk_token"] = "<unk>").Place);
        Assert.Equal("model.end_of_word_suffix", TestTokenizers.Refused(static json => json["model"]!["end_of_word_suffix"] = "</w>").Place);
        Assert.Equal("normalizer.type", TestTokenizers.Refused(static json => json["normalizer"] = new JsonObject { ["type"] = "BertNormalizer" }).Place);
        Assert.Equal("normalizer.x", TestTokenizers.Refused(static json => json["normalizer"] = new JsonObject { ["type"] = "NFC", ["x"] = 1 }).Place);
        Assert.Equal("pre_tokenizer.type", TestTokenizers.Refused(static json => json["pre_tokenizer"] = new JsonObject { ["type"] = "Metaspace" }).Place);
        Assert.Equal("pre_tokenizer", TestTokenizers.Refused(static json => json["pre_tokenizer"] = new JsonObject { ["type"] = "Punctuation" }).Place);
        Assert.Equal("JSON", TestTokenizers.Refused(static json => json["pre_tokenizer"] = null).Place);
        Assert.Equal("post_processor.type", TestTokenizers.Refused(static json => json["post_processor"] = new JsonObject { ["type"] = "BertProcessing" }).Place);
        Assert.Equal("decoder.type", TestTokenizers.Refused(static json => json["decoder"] = new JsonObject { ["type"] = "WordPiece" }).Place);
        Assert.Equal("added_tokens[0].x", TestTokenizers.Refused(static json => json["added_tokens"] = new JsonArray(new JsonObject { ["x"] = 1 })).Place);
    }

    [Theory]
    [InlineData("(")]
    [InlineData("[^\\r\\n]?+")]
    [InlineData("\\p{Nonsense}")]
    public void A_split_expression_that_does_not_compile_is_refused(string expression) =>
        Assert.Equal("pre_tokenizer.pretokenizers[0].pattern.Regex", TestTokenizers.Refused(json => json["pre_tokenizer"] = PreTokenizerTests.Sequence(
            PreTokenizerTests.Split(new JsonObject { ["Regex"] = expression }, "Isolated"), TestTokenizers.ByteLevel())).Place);

    [Theory]
    [InlineData("(", "a", ")", 20_000)]
    [InlineData("(", "a", "{9999})", 50)]
    [InlineData("(?=", "a", ")", 20_000)]
    public void A_monstrous_split_expression_does_no_harm(string opening, string middle, string closing, int times)
    {
        var expression = string.Concat(Enumerable.Repeat(opening, times)) + middle + string.Concat(Enumerable.Repeat(closing, times));
        try
        {
            var tokenizer = TestTokenizers.With(json => json["pre_tokenizer"] = PreTokenizerTests.Sequence(
                PreTokenizerTests.Split(new JsonObject { ["Regex"] = expression }, "Isolated"), TestTokenizers.ByteLevel()));
            Assert.Equal("abab", tokenizer.Decode(tokenizer.Encode("abab")));
        }
        catch (MalformedFileException)
        {
            // Refused with a sentence, which is all that is asked.
        }
    }

    [Fact]
    public void A_file_that_never_ends_is_refused()
    {
        using var endless = new EndlessStream();
        Assert.Throws<MalformedFileException>(() => BoundedFile.Read(endless, "x", 1 << 20));
    }

    [Fact]
    public void A_template_adds_its_tokens_where_they_are_wanted()
    {
        var tokenizer = TestTokenizers.With(static json => json["post_processor"] = JsonNode.Parse("""
            {"type": "Sequence", "processors": [
              {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
              {"type": "TemplateProcessing",
               "single": [{"SpecialToken": {"id": "s", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "e", "type_id": 0}}],
               "pair": [], "special_tokens": {"s": {"id": "s", "ids": [1, 2], "tokens": ["x", "y"]}, "e": {"id": "e", "ids": [3], "tokens": ["z"]}}}]}
            """));
        Assert.Equal([1, 2, 256, 3], tokenizer.Encode("ab"));
        Assert.Equal([256], tokenizer.Encode("ab", addSpecialTokens: false));
        Assert.Equal([0..0, 0..0, 0..2, 0..0], tokenizer.Tokenize("ab").Offsets);
        Assert.Equal([1, 2, 256, 3], tokenizer.EncodeBatch(["abab ab"], new TokenBatchOptions { MaxLength = 4, TruncationSide = SequenceSide.Left }).Ids[0][..2].Concat([256, 3]));
        Assert.Equal(4, tokenizer.EncodeBatch(["xyz xyz"], new TokenBatchOptions { MaxLength = 4 }).Ids[0].Length);
        Assert.Equal("post_processor", TestTokenizers.Refused(static json => json["post_processor"] = JsonNode.Parse("""
            {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "s"}}, {"Sequence": {"id": "A"}}], "special_tokens": {"s": {"id": "s", "ids": [999]}}}
            """)).Place);
        Assert.Equal("post_processor.single", TestTokenizers.Refused(static json => json["post_processor"] = JsonNode.Parse("""
            {"type": "TemplateProcessing", "single": [], "special_tokens": {}}
            """)).Place);
    }

    [Fact]
    public void Bytes_without_a_token_become_the_unknown_token_where_there_is_one()
    {
        static void Change(JsonObject json, bool fuse)
        {
            var model = json["model"]!.AsObject();
            model["vocab"]!.AsObject().Remove("x");
            model["unk_token"] = "!";
            model["fuse_unk"] = fuse;
        }

        Assert.Equal("a|!|!|ab", TestTokenizers.Bars(TestTokenizers.With(static json => Change(json, fuse: false)), "axxab"));
        var fused = TestTokenizers.With(static json => Change(json, fuse: true)).Tokenize("axxab");
        Assert.Equal(["a", "!", "ab"], fused.Tokens);
        Assert.Equal([0..1, 1..3, 3..5], fused.Offsets);
        Assert.Equal([new LostByte(1, (byte)'x'), new LostByte(2, (byte)'x')], fused.LostBytes);
    }

    [Fact]
    public void Mutated_files_are_read_or_refused()
    {
        var good = Encoding.UTF8.GetBytes(TestTokenizers.Json().ToJsonString());
        var random = new Random(7);
        for (var round = 0; round < 3000; round++)
        {
            var bytes = (byte[])good.Clone();
            for (var change = random.Next(1, 4); change > 0; change--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                Assert.NotNull(Tokenizer.Parse(bytes, TestTokenizers.FileName).Tokenize("abab \u00E9 1234"));
            }
            catch (MalformedFileException)
            {
                // Refused with a sentence, which is all that is asked.
            }
        }
    }

    private sealed class EndlessStream : MemoryStream
    {
        public override int Read(byte[] buffer, int offset, int count) => count;
    }
}
