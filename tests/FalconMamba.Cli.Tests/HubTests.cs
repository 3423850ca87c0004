using System.Text;
using System.Text.Json;
using FalconMamba.Tests.Hub;

namespace FalconMamba.Cli.Tests;

/// <summary>pull and models, against a stub hub behind a real socket. The environment is the process's, so these run one after the other.</summary>
public sealed class HubTests : IDisposable
{
    private readonly TemporaryFolder _home = new();
    private readonly StubHub _hub = new();
    private readonly StubServer _server;
    private readonly List<(string Name, string? Before)> _variables = [];

    public HubTests()
    {
        _server = new StubServer(_hub);
        Set("HF_HUB_CACHE", _home["hub"]);
        Set("HF_ENDPOINT", _hub.Address.AbsoluteUri);
        Set("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
        foreach (var offline in (string[])["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]) Set(offline, null);
        _hub.Files.Clear();
        var model = Path.Combine(FixtureFolder.Repository, "models", Falcon.Model);
        foreach (var file in Directory.EnumerateFiles(model)) _hub.Files[Path.GetFileName(file)] = File.ReadAllBytes(file);
        _hub.Files["README.md"] = Encoding.UTF8.GetBytes("---\nlicense: other\nlicense_name: falcon-mamba-7b-license\nlicense_link: https://example.com/terms\n---\n# model\n");
    }

    public void Dispose()
    {
        foreach (var (name, before) in _variables) Environment.SetEnvironmentVariable(name, before);
        _server.Dispose();
        _home.Dispose();
    }

    [Fact]
    public void A_model_is_pulled_used_everywhere_listed_and_deleted()
    {
        Falcon.Fails(1, "'falcon-mamba pull owner/name'", "generate", "owner/name", "-p", "ROMEO:");
        var outcome = Falcon.Run("pull", "owner/name");
        Assert.True(outcome.Code == 0, outcome.Error);
        var path = outcome.Output.TrimEnd('\n');
        Assert.Equal(_home[$"hub/models--owner--name/snapshots/{StubHub.Commit}"], path);
        Assert.Contains("licence: falcon-mamba-7b-license (https://example.com/terms)", outcome.Error, StringComparison.Ordinal);

        Assert.Equal(Falcon.Output("generate", Falcon.Model, "-n", "8", "-p", "ROMEO:"), Falcon.Output("generate", "owner/name", "-n", "8", "-p", "ROMEO:"));
        Assert.Equal(Falcon.Output("tokenize", Falcon.Model, "Hello"), Falcon.Output("tokenize", "owner/name@main", "Hello"));
        Assert.Contains("owner/name", Falcon.Output("inspect", "owner/name"), StringComparison.Ordinal);
        Falcon.Output("convert", "owner/name", _home["f32"], "--type", "F32");
        Assert.Equal("---", File.ReadLines(Path.Combine(_home["f32"], "README.md")).First());

        using (var json = JsonDocument.Parse(Falcon.Output("models", "list", "--json")))
        {
            var model = Assert.Single(json.RootElement.GetProperty("models").EnumerateArray());
            Assert.Equal("owner/name", model.GetProperty("id").GetString());
            Assert.Equal("falcon-mamba-7b-license", model.GetProperty("licence").GetString());
            Assert.Equal(path, model.GetProperty("revisions")[0].GetProperty("path").GetString());
        }

        Assert.Contains("falcon-mamba-7b-license", Falcon.Output("models", "list"), StringComparison.Ordinal);
        Assert.Contains("tokenizer.json", Falcon.Output("models", "info", "owner/name"), StringComparison.Ordinal);
        using (var json = JsonDocument.Parse(Falcon.Output("models", "info", "owner/name", "--json")))
            Assert.Equal(_hub.Files.Count, json.RootElement.GetProperty("revisions")[0].GetProperty("files").GetArrayLength());

        Falcon.Fails(1, "Nothing was deleted", "models", "delete", "owner/name");
        Falcon.Fails(1, "has no revision v7", "models", "delete", "owner/name", "--revision", "v7", "--yes");
        Assert.Equal(0, Falcon.Run("y\n", ["models", "delete", "owner/name"]).Code);
        Falcon.Fails(1, "is not in the cache", "models", "info", "owner/name");
        Assert.Contains("no model in", Falcon.Run("models", "list").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Pull_takes_patterns_and_tells_as_json()
    {
        using (var json = JsonDocument.Parse(Falcon.Output("pull", "owner/name", "--revision", "v1", "--include", "*.json", "--exclude", "tokenizer*", "--json")))
        {
            Assert.Equal(("v1", StubHub.Commit), (json.RootElement.GetProperty("revision").GetString(), json.RootElement.GetProperty("commit").GetString()));
            Assert.Equal(["config.json", "generation_config.json"], json.RootElement.GetProperty("files").EnumerateArray().Select(file => file.GetProperty("path").GetString()).Order());
        }

        Falcon.Fails(1, "without model.safetensors", "inspect", "owner/name@v1");
        Falcon.Output("models", "delete", "owner/name", "--revision", "v1", "--yes");
        Falcon.Fails(1, "no revision v9", "pull", "owner/name", "--revision", "v9");
        Falcon.Fails(1, "no model owner/missing", "pull", "owner/missing");
        Falcon.Fails(1, "HF_TOKEN", "pull", "owner/private");
    }

    [Fact]
    public void A_model_with_several_gguf_files_asks_which()
    {
        _hub.Files.Remove("model.safetensors");
        _hub.Files["a.Q4_K_M.gguf"] = [1, 2, 3];
        _hub.Files["a.Q8_0.gguf"] = [1, 2, 3, 4];
        Falcon.Fails(1, "--include a.Q4_K_M.gguf", "pull", "owner/name");
        Assert.EndsWith("/a.Q8_0.gguf\n", Falcon.Output("pull", "owner/name", "--include", "*Q8_0*"), StringComparison.Ordinal);
        Falcon.Fails(1, "a.Q8_0.gguf", "inspect", "owner/name");
    }

    [Fact]
    public void The_path_is_that_of_what_was_chosen()
    {
        _hub.Files.Remove("model.safetensors");
        (_hub.Files["a.gguf"], _hub.Files["sub/b.gguf"]) = ([1, 2, 3], [1, 2, 3, 4]);
        Assert.EndsWith("/a.gguf\n", Falcon.Output("pull", "owner/name", "--include", "a.gguf"), StringComparison.Ordinal);
        Assert.EndsWith("/sub/b.gguf\n", Falcon.Output("pull", "owner/name", "--include", "sub/b.gguf", "--include", "*.json"), StringComparison.Ordinal);
        Assert.EndsWith($"/{StubHub.Commit}\n", Falcon.Output("pull", "owner/name", "--include", "*.json"), StringComparison.Ordinal);
        Assert.EndsWith($"/{StubHub.Commit}\n", Falcon.Output("pull", "owner/name", "--include", "*.gguf"), StringComparison.Ordinal);
    }

    [Fact]
    public void Pull_takes_the_names_that_every_verb_takes()
    {
        _hub.Files["sub/a.gguf"] = [1, 2, 3];
        Assert.EndsWith("/sub/a.gguf\n", Falcon.Output("pull", "owner/name/sub/a.gguf"), StringComparison.Ordinal);
        using (var json = JsonDocument.Parse(Falcon.Output("pull", "owner/name@v1", "--json"))) Assert.Equal("v1", json.RootElement.GetProperty("revision").GetString());
        Falcon.Output("pull", "owner/name@v1", "--revision", "v1");
        Falcon.Fails(2, "give one of them", "pull", "owner/name@v1", "--revision", "main");
        Falcon.Fails(2, "MODEL is owner/name", "pull", "owner/name@");
        Falcon.Fails(1, "No file of owner/name", "pull", "owner/name/b.gguf");
    }

    [Fact]
    public void A_name_without_an_owner_is_told_how_to_write_one()
    {
        Set("HF_HUB_OFFLINE", "1");
        Falcon.Fails(1, "an id is written owner/name", "pull", "nonsense");
        Set("HF_HUB_OFFLINE", null);
        Set("HF_ENDPOINT", "http://127.0.0.1:1");
        Falcon.Fails(1, "an id is written owner/name", "pull", "nonsense");
    }

    [Fact]
    public void A_model_in_pickled_files_only_says_what_to_do()
    {
        _hub.Files.Remove("model.safetensors");
        _hub.Files["pytorch_model.bin"] = [1, 2, 3];
        Falcon.Fails(1, "save_pretrained", "pull", "owner/name");
    }

    [Fact]
    public void A_known_family_is_planned_for_before_it_is_pulled()
    {
        const string id = "tiiuae/falcon-mamba-7b-instruct";
        Assert.Contains($"'falcon-mamba pull {id}-Q4_K_M-GGUF'", Falcon.Output("plan", id, "--memory", "6", "--probe", "0"), StringComparison.Ordinal);
        Assert.Contains($"'falcon-mamba pull {id}'", Falcon.Output("plan", id, "--memory", "60", "--probe", "0"), StringComparison.Ordinal);
        Assert.Contains($"'falcon-mamba pull {id}-Q8_0-GGUF'", Falcon.Output("plan", $"{id}-Q8_0-GGUF", "--memory", "60", "--probe", "0"), StringComparison.Ordinal);
        Falcon.Fails(1, "'falcon-mamba pull owner/name'", "plan", "owner/name");
    }

    [Theory]
    [InlineData("tiiuae/falcon-mamba-7b-4bit")]
    [InlineData("tiiuae/falcon-mamba-7b-instruct-4bit")]
    [InlineData("tiiuae/falcon-mamba-7b-pre-decay")]
    [InlineData("tiiuae/Falcon3-Mamba-7B-Instruct")]
    [InlineData("tiiuae/falcon-mamba-7b-Q5_K_M-GGUF", "Q5_K_M")]
    [InlineData("someone/falcon-mamba-7b-mytune")]
    [InlineData("someone/falcon-mamba-7b-Q4_K_M-GGUF", "Q4_K_M")]
    public void Only_what_is_published_is_advised(string id, string type = "Q6_K")
    {
        using var json = JsonDocument.Parse(Falcon.Output("plan", id, "--memory", "7", "--probe", "0", "--json"));
        Assert.Equal((type, null), (json.RootElement.GetProperty("type").GetString(), json.RootElement.GetProperty("pull").GetString()));
        using var shape = JsonDocument.Parse(Falcon.Output("plan", "7b", "--memory", "7", "--probe", "0", "--json"));
        Assert.Equal(shape.RootElement.GetProperty("types").ToString(), json.RootElement.GetProperty("types").ToString());
    }

    [Theory]
    [InlineData("tiiuae/falcon-mamba-7bis")]
    [InlineData("falcon-mamba-7b")]
    public void Another_name_tells_no_shape(string id) => Falcon.Fails(1, "or a shape", "plan", id);

    private void Set(string name, string? value)
    {
        _variables.Add((name, Environment.GetEnvironmentVariable(name)));
        Environment.SetEnvironmentVariable(name, value);
    }
}
