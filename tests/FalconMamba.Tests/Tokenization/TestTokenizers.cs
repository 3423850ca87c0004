using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Tokenization;

/// <summary>Small tokenizer files: all bytes, then <c>ab</c>, <c>abab</c> and <c>Ġa</c>.</summary>
internal static class TestTokenizers
{
    public const string FileName = "tokenizer.json";

    /// <summary>The parsed JSON of the plain small tokenizer, to be changed and serialized again.</summary>
    public static JsonObject Json()
    {
        var vocabulary = new JsonObject();
        foreach (var c in ByteLevelAlphabet.CharacterOf) vocabulary[c.ToString()] = vocabulary.Count;
        foreach (var token in new[] { "ab", "abab", "\u0120a" }) vocabulary[token] = vocabulary.Count;
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(),
            ["normalizer"] = null,
            ["pre_tokenizer"] = ByteLevel(),
            ["post_processor"] = null,
            ["decoder"] = ByteLevel(),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray("a b", new JsonArray("ab", "ab"), "\u0120 a"),
            },
        };
    }

    public static JsonObject ByteLevel(bool addPrefixSpace = false, bool trimOffsets = true, bool useRegex = true) => new()
    {
        ["type"] = "ByteLevel",
        ["add_prefix_space"] = addPrefixSpace,
        ["trim_offsets"] = trimOffsets,
        ["use_regex"] = useRegex,
    };

    public static JsonObject AddedToken(int id, string content, params string[] flags)
    {
        var token = new JsonObject { ["id"] = id, ["content"] = content };
        foreach (var flag in new[] { "single_word", "lstrip", "rstrip", "normalized", "special" }) token[flag] = flags.Contains(flag);
        return token;
    }

    public static Tokenizer Parse(JsonNode json, TokenizerConfig? config = null) =>
        Tokenizer.Parse(JsonSerializer.SerializeToUtf8Bytes(json), FileName, config);

    /// <summary>The small tokenizer with some changes.</summary>
    public static Tokenizer With(Action<JsonObject> change, TokenizerConfig? config = null)
    {
        var json = Json();
        change(json);
        return Parse(json, config);
    }

    /// <summary>The small tokenizer with added tokens from the id 259 on.</summary>
    public static Tokenizer WithAdded(params (string Content, string[] Flags)[] tokens) => With(json =>
    {
        foreach (var (content, flags) in tokens) json["added_tokens"]!.AsArray().Add(AddedToken(259 + json["added_tokens"]!.AsArray().Count, content, flags));
    });

    /// <summary>The tokens of a text joined by bars.</summary>
    public static string Bars(Tokenizer tokenizer, string text) => string.Join('|', tokenizer.Tokenize(text).Tokens);

    /// <summary>The error that a file's content raises; its message is one sentence with the file's name.</summary>
    public static MalformedFileException Refused(Action<JsonObject> change)
    {
        var json = Json();
        change(json);
        return Refused(json.ToJsonString());
    }

    /// <inheritdoc cref="Refused(Action{JsonObject})"/>
    public static MalformedFileException Refused(string json)
    {
        var error = Assert.Throws<MalformedFileException>(() => Tokenizer.Parse(Encoding.UTF8.GetBytes(json), FileName));
        Assert.StartsWith(FileName + ": ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(". ", error.Message, StringComparison.Ordinal);
        return error;
    }
}
