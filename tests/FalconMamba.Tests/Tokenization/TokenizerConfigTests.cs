using System.Text;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Tokenization;

public class TokenizerConfigTests
{
    [Fact]
    public void Tokens_are_strings_or_objects()
    {
        var config = Parse("""{"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}, "unk_token": null, "padding_side": "left", "model_max_length": 1e30}""");
        Assert.Equal(("<s>", "</s>", null, null), (config.BosToken, config.EosToken, config.PadToken, config.UnkToken));
        Assert.Equal(SequenceSide.Left, config.PaddingSide);
        Assert.Null(config.ModelMaxLength);
        Assert.Equal(2048, Parse("""{"model_max_length": 2048}""").ModelMaxLength);
    }

    [Fact]
    public void Named_templates_are_told_apart()
    {
        var config = Parse("""{"chat_template": [{"name": "default", "template": "D"}, {"name": "tool_use", "template": "T"}]}""");
        Assert.Equal("D", config.ChatTemplate);
        Assert.Equal("T", Assert.Single(config.NamedChatTemplates).Value);
        Assert.Equal("S", Parse("""{"chat_template": "S"}""").ChatTemplate);
    }

    [Theory]
    [InlineData("""{"bos_token": 1}""")]
    [InlineData("""{"bos_token": {}}""")]
    [InlineData("""{"padding_side": "up"}""")]
    [InlineData("""{"model_max_length": -1}""")]
    [InlineData("""{"model_max_length": "1"}""")]
    [InlineData("""{"chat_template": 1}""")]
    [InlineData("""{"chat_template": [{"name": "a", "template": "A"}, {"name": "a", "template": "B"}]}""")]
    [InlineData("""{"added_tokens_decoder": {"x": {"content": "y"}}}""")]
    [InlineData("""{"added_tokens_decoder": []}""")]
    [InlineData("[]")]
    public void A_setting_of_the_wrong_kind_is_refused(string json) => Assert.Throws<MalformedFileException>(() => Parse(json));

    [Fact]
    public void The_settings_rule_over_the_flags_of_added_tokens()
    {
        var config = Parse("""{"added_tokens_decoder": {"259": {"content": "<x>", "special": true}}, "eos_token": "abab", "pad_token": "<pad>"}""");
        var tokenizer = TestTokenizers.With(static json => json["added_tokens"]!.AsArray().Add(TestTokenizers.AddedToken(259, "<x>")), config);
        Assert.Equal("", tokenizer.Decode(tokenizer.Encode("<x>"), skipSpecialTokens: true));
        Assert.Equal((257, null), (tokenizer.EosId, tokenizer.PadId));
        Assert.Equal([257, 259], tokenizer.AddedTokens.Where(static token => token.Special).Select(static token => token.Id));
    }

    [Fact]
    public void Settings_that_contradict_the_vocabulary_are_refused()
    {
        foreach (var json in new[] { """{"300": {"content": "new"}}""", """{"3": {"content": "new"}}""", """{"300": {"content": "abab"}}""" })
        {
            var config = Parse($$"""{"added_tokens_decoder": {{json}}}""");
            Assert.Throws<MalformedFileException>(() => TestTokenizers.Parse(TestTokenizers.Json(), config));
        }
    }

    [Fact]
    public void A_folders_files_complete_each_other()
    {
        var folder = Directory.CreateTempSubdirectory("tokenizer");
        try
        {
            void Write(string name, string text) => File.WriteAllText(Path.Combine(folder.FullName, name), text);
            Write("tokenizer.json", TestTokenizers.Json().ToJsonString());
            Write("tokenizer_config.json", """{"eos_token": "ab", "chat_template": "old"}""");
            Write("special_tokens_map.json", """{"eos_token": "abab", "pad_token": "abab"}""");
            Write("chat_template.jinja", "new \u00E9");
            var tokenizer = Tokenizer.FromFolder(folder.FullName);
            Assert.Equal(("ab", "abab", "new \u00E9"), (tokenizer.EosToken, tokenizer.PadToken, tokenizer.ChatTemplate));
            File.Delete(Path.Combine(folder.FullName, "chat_template.jinja"));
            Write("chat_template.json", """{"chat_template": "json"}""");
            Assert.Equal("old", Tokenizer.FromFolder(folder.FullName).ChatTemplate);
            Write("tokenizer_config.json", "{}");
            folder.CreateSubdirectory("additional_chat_templates");
            Write(Path.Combine("additional_chat_templates", "tool_use.jinja"), "tools");
            tokenizer = Tokenizer.FromFolder(folder.FullName);
            Assert.Equal(("json", "tools"), (tokenizer.ChatTemplate, tokenizer.NamedChatTemplates["tool_use"]));
            Write("tokenizer_config.json", "{");
            Assert.Contains("tokenizer_config.json", Assert.Throws<MalformedFileException>(() => Tokenizer.FromFolder(folder.FullName)).Message, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static TokenizerConfig Parse(string json) => TokenizerConfig.Parse(Encoding.UTF8.GetBytes(json), "tokenizer_config.json");
}
