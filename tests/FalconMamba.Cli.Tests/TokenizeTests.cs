using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace FalconMamba.Cli.Tests;

public class TokenizeTests
{
    private const string Text = "Hello,  Wörld 你好\n\ta\r\n";

    [Fact]
    public void Ids_are_one_line_wherever_the_text_comes_from()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["text"], Text);
        var ids = Falcon.Output("tokenize", Falcon.Model, Text);
        Assert.Matches(@"^\d+( \d+)*\n$", ids);
        Assert.Equal(ids, Falcon.Output("tokenize", Falcon.Model, "--file", folder["text"]));
        Assert.Equal(ids, Falcon.OutputFor(Text, ["tokenize", Falcon.Model]));
        Assert.Equal("\n", Falcon.Output("tokenize", Falcon.Model, ""));
    }

    [Fact]
    public void Json_has_ids_tokens_and_places()
    {
        using var json = JsonDocument.Parse(Falcon.Output("tokenize", Falcon.Model, Text, "--json"));
        var ids = json.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray();
        Assert.Equal(Falcon.Output("tokenize", Falcon.Model, Text), string.Join(' ', ids) + "\n");
        var offsets = json.RootElement.GetProperty("offsets").EnumerateArray().Select(pair => (pair[0].GetInt32(), pair[1].GetInt32())).ToArray();
        Assert.Equal((ids.Length, ids.Length), (json.RootElement.GetProperty("tokens").GetArrayLength(), offsets.Length));
        Assert.All(offsets, pair => Assert.InRange(pair.Item2, pair.Item1, Text.Length));
        Assert.Equal(0, json.RootElement.GetProperty("lost_bytes").GetArrayLength());
    }

    [Fact]
    public void Bytes_without_a_token_are_told()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["small"]);
        File.WriteAllText(folder["small/tokenizer.json"], """
            {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}, "added_tokens": [], "normalizer": null,
             "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true},
             "post_processor": null, "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true}}
            """);
        var outcome = Falcon.Run("tokenize", folder["small"], "abcb", "--json");
        Assert.Equal(0, outcome.Code);
        Assert.Contains("0x63", outcome.Error, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(outcome.Output);
        var lost = Assert.Single(json.RootElement.GetProperty("lost_bytes").EnumerateArray());
        Assert.Equal((2, (int)'c'), (lost.GetProperty("position").GetInt32(), lost.GetProperty("value").GetInt32()));
    }

    [Fact]
    public void Any_text_comes_back_from_its_ids() => Prop.ForAll<string>(text =>
    {
        text = string.Concat((text ?? "").EnumerateRunes());
        var ids = Falcon.OutputFor(text, ["tokenize", Falcon.Model]);
        Assert.Equal(text, Falcon.OutputFor(ids, ["detokenize", Falcon.Model]));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Special_tokens_can_be_left_out()
    {
        Assert.Equal("ost<|end_of_text|>", Falcon.Output("detokenize", Falcon.Model, "500", "11"));
        Assert.Equal("ost", Falcon.Output("detokenize", Falcon.Model, "500,11", "--skip-special"));
        using var json = JsonDocument.Parse(Falcon.Output("detokenize", Falcon.Model, "500", "11", "--json"));
        Assert.Equal("ost<|end_of_text|>", json.RootElement.GetProperty("text").GetString());
        Assert.Equal(2, json.RootElement.GetProperty("tokens").GetArrayLength());
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["latin1"], [0x61, 0xE9, 0x62]);
        Falcon.Fails(1, "was not found", "tokenize", Falcon.Model, "--file", folder["absent"]);
        Falcon.Fails(1, "not UTF-8", "tokenize", Falcon.Model, "--file", folder["latin1"]);
        Falcon.Fails(1, "is a folder", "tokenize", Falcon.Model, "--file", folder.Root);
        Falcon.Fails(1, "tokenizer.json", "tokenize", folder.Root, "a");
        Falcon.Fails(2, "give one of them", "tokenize", Falcon.Model, "a", "--file", folder["latin1"]);
        Falcon.Fails(1, "no token 2048", "detokenize", Falcon.Model, "2048");
        Falcon.Fails(2, "\"-1\" is no token id", "detokenize", Falcon.Model, "-1");
        Falcon.Fails(2, "\"x\" is no token id", "detokenize", Falcon.Model, "1", "x");
        Falcon.Fails(2, "MODEL", "detokenize");
        Assert.Equal(1, Falcon.Run("1 two", ["detokenize", Falcon.Model]).Code);
    }
}
