using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text.Json;
using FalconMamba.Tests.Formats.Gguf;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Tokenization;

public class GgufTokenizerTests
{
    private static readonly ConcurrentDictionary<string, Lazy<Tokenizer>> Converted = new();

    [Fact]
    [Trait("Category", "Golden")]
    public void Converted_vocabularies_give_the_reference_ids() =>
        FixtureFolder.ForEach(TokenizerFixtures.Goldens, static folder => TokenizerFixtures.Rows(folder, "encode"), isPart: true, check: static row =>
        {
            var tokenizer = Convert(row.FileTokenizer);
            var actual = tokenizer.Tokenize(row.Text("text"));
            Assert.Equal(row.Ids(), actual.Ids);
            Assert.Equal(row.Texts("tokens"), actual.Tokens);
            Assert.Equal(row.Rows("offsets"), OffsetUnits.InCodePoints(row.Text("text"), actual.Offsets));
            Assert.Equal(row.Text("decoded"), tokenizer.Decode(row.Ids()));
            Assert.Equal(row.Text("decoded_skip_special"), tokenizer.Decode(row.Ids(), skipSpecialTokens: true));
        });

    [Fact]
    [Trait("Category", "Golden")]
    public void Special_tokens_in_untrusted_text_are_ordinary_text() =>
        FixtureFolder.ForEach(TokenizerFixtures.Goldens, static folder => TokenizerFixtures.Rows(folder, "special_as_text"), isPart: true, check: static row =>
            Assert.Equal(row.Ids(), Convert(row.FileTokenizer).Encode(row.Text("text"), trustedRanges: [])));

    [Fact]
    [Trait("Category", "Golden")]
    public void Files_give_the_ids_of_the_tokenizer_beside_their_model() => FixtureFolder.ForEach<GgufTables.Case>("gguf", GgufTables.Discover, isPart: true, check: static golden =>
    {
        var tokenizer = Tokenizer.Load(golden.Path);
        var folder = Path.Combine(FixtureFolder.Root, "models", golden.Name);
        var texts = Directory.Exists(Path.Combine(FixtureFolder.Root, TokenizerFixtures.Goldens))
            ? TokenizerFixtures.Rows(Path.Combine(FixtureFolder.Root, TokenizerFixtures.Goldens), "encode").Select(row => row.Case.Text("text")).Distinct().ToArray()
            : ["the king and the queen\n", "<|im_start|>user\nWho art thou, 1234?<|im_end|>\n"];
        if (!File.Exists(Path.Combine(folder, "tokenizer.json")))
        {
            // Only words: a small vocabulary need not have every byte.
            Assert.Equal("the king and the queen", tokenizer.Decode(tokenizer.Encode("the king and the queen")));
            return;
        }

        var original = Tokenizer.FromFolder(folder);
        foreach (var text in texts)
        {
            Assert.Equal(original.Encode(text), tokenizer.Encode(text));
            Assert.Equal(original.Decode(original.Encode(text)), tokenizer.Decode(original.Encode(text)));
        }

        Assert.Equal(original.Vocabulary.OrderBy(token => token.Value), tokenizer.Vocabulary.OrderBy(token => token.Value));
        Assert.Equal((original.BosToken, original.EosToken, original.PadToken), (tokenizer.BosToken, tokenizer.EosToken, tokenizer.PadToken));
        Assert.Equal(original.ChatTemplate, tokenizer.ChatTemplate);
    });

    [Fact]
    public void Flags_templates_and_padding_rows_are_heeded()
    {
        var tokenizer = Read(Small()
            .Add("tokenizer.ggml.bos_token_id", 0).Add("tokenizer.ggml.eos_token_id", 1)
            .Add("tokenizer.ggml.add_bos_token", true).Add("tokenizer.ggml.add_eos_token", true)
            .Add("tokenizer.chat_template", "{{ a }}").Add("tokenizer.chat_template.tool", "{{ b }}"));
        Assert.Equal([0, 4, 1], tokenizer.Encode("ab"));
        Assert.Equal([4], tokenizer.Encode("ab", addSpecialTokens: false));
        Assert.Equal([0, 2, 5, 1], tokenizer.Encode("a##"));
        Assert.Equal(("<s>", "</s>", null), (tokenizer.BosToken, tokenizer.EosToken, tokenizer.PadToken));
        Assert.Equal("{{ a }}", tokenizer.ChatTemplate);
        Assert.Equal("{{ b }}", tokenizer.NamedChatTemplates["tool"]);
        Assert.Equal("a##", tokenizer.Decode([0, 2, 5, 1], skipSpecialTokens: true));
        Assert.Equal(6, tokenizer.VocabularySize);
        Assert.Null(tokenizer.IdToToken(6));
    }

    [Theory]
    [InlineData("model", "llama", "key tokenizer.ggml.model: the byte-level vocabulary \"gpt2\" was expected, found \"llama\".")]
    [InlineData("pre", "llama-bpe", "key tokenizer.ggml.pre: falcon, gpt-2, gpt-neox, olmo or mpt was expected, found \"llama-bpe\".")]
    [InlineData("merge", "ab", "key tokenizer.ggml.merges: two tokens with a space between were expected, found \"ab\".")]
    [InlineData("merge", "a c", "key tokenizer.ggml.merges: tokens of the vocabulary were expected, but it lacks \"c\".")]
    [InlineData("token", "a", "key tokenizer.ggml.tokens: tokens that differ were expected, but 2 and 5 are the same.")]
    [InlineData("token", "", "key tokenizer.ggml.tokens: a text was expected for token 5, which is cut out of the input as a whole, it is empty.")]
    public void What_is_wrong_is_told_in_one_sentence(string part, string value, string message)
    {
        var builder = part switch
        {
            "model" => Small(model: value),
            "pre" => Small(pre: value),
            "merge" => Small(merge: value),
            _ => Small(token: value),
        };
        Assert.EndsWith(message, Assert.Throws<MalformedFileException>(() => Read(builder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Token_ids_outside_the_vocabulary_are_refused()
    {
        foreach (var key in new[] { "bos_token_id", "eos_token_id", "padding_token_id", "unknown_token_id" })
            Assert.Contains(key, Assert.Throws<MalformedFileException>(() => Read(Small().Add($"tokenizer.ggml.{key}", 7))).Message, StringComparison.Ordinal);
        Assert.Null(Read(Small().Add("tokenizer.ggml.bos_token_id", -1)).BosToken);
    }

    private static GgufBuilder Small(string model = "gpt2", string pre = "gpt-2", string merge = "a b", string token = "##") => new GgufBuilder()
        .Add("tokenizer.ggml.model", model).Add("tokenizer.ggml.pre", pre)
        .Add("tokenizer.ggml.tokens", ["<s>", "</s>", "a", "b", "ab", token, "[PAD6]"])
        .Add("tokenizer.ggml.token_type", [3, 3, 1, 1, 1, 4, 5])
        .Add("tokenizer.ggml.merges", [merge]);

    private static Tokenizer Read(GgufBuilder builder)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.gguf"], builder.Build());
        return Tokenizer.Load(folder["a.gguf"]);
    }

    // Writes a tokenizer.json of the fixtures as converters write it into a GGUF file, and reads that.
    private static Tokenizer Convert(string name) => Converted.GetOrAdd(name, static name => new Lazy<Tokenizer>(() =>
    {
        var folders = new[] { FixtureFolder.Root, Path.Combine(FixtureFolder.Repository, "tests", "fixtures") };
        var path = folders.Select(root => Path.Combine(root, TokenizerFixtures.Tokenizers, name, "tokenizer.json.gz")).First(File.Exists);
        using var stream = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var json = JsonDocument.Parse(stream);
        var model = json.RootElement.GetProperty("model");
        var tokens = new SortedDictionary<int, (string Text, int Kind)>();
        foreach (var token in model.GetProperty("vocab").EnumerateObject()) tokens[token.Value.GetInt32()] = (token.Name, 1);
        foreach (var token in json.RootElement.GetProperty("added_tokens").EnumerateArray())
            tokens[token.GetProperty("id").GetInt32()] = (token.GetProperty("content").GetString()!, token.GetProperty("special").GetBoolean() ? 3 : 4);
        var rows = Enumerable.Range(0, tokens.Keys.Last() + 1).Select(id => tokens.GetValueOrDefault(id, ($"[PAD{id}]", 5))).ToArray();
        var pre = json.RootElement.GetProperty("normalizer").ValueKind != JsonValueKind.Null ? "olmo"
            : json.RootElement.GetProperty("pre_tokenizer").GetProperty("type").GetString() == "Sequence" ? "falcon" : "gpt-2";
        return Read(new GgufBuilder()
            .Add("tokenizer.ggml.model", "gpt2").Add("tokenizer.ggml.pre", pre)
            .Add("tokenizer.ggml.tokens", [.. rows.Select(row => row.Item1)])
            .Add("tokenizer.ggml.token_type", [.. rows.Select(row => row.Item2)])
            .Add("tokenizer.ggml.merges", [.. model.GetProperty("merges").EnumerateArray().Select(merge => merge.GetString()!)]));
    })).Value;
}
