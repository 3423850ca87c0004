using FalconMamba.Hub;

namespace FalconMamba.Tests.Hub;

/// <summary>Ids, patterns and settings: all that is read before anything is asked.</summary>
public class HubNamesTests
{
    [Theory]
    [InlineData("tiiuae/falcon-mamba-7b", "models--tiiuae--falcon-mamba-7b")]
    [InlineData("gpt2", "models--gpt2")]
    [InlineData("a_b/C.d-e", "models--a_b--C.d-e")]
    public void An_id_is_a_folder_and_back(string text, string folder)
    {
        var id = HubModelId.Parse(text);
        Assert.Equal((text, folder), (id.ToString(), id.FolderName));
        Assert.Equal(id, HubModelId.FromFolderName(folder));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b/c")]
    [InlineData("../b")]
    [InlineData("a/..")]
    [InlineData("a--b/c")]
    [InlineData("a..b/c")]
    [InlineData(".a/b")]
    [InlineData("a/b.git")]
    [InlineData("a b/c")]
    [InlineData("a/b\n")]
    [InlineData("/b")]
    [InlineData("é/b")]
    public void What_the_hub_would_not_take_is_no_id(string text)
    {
        Assert.False(HubModelId.TryParse(text, out _));
        Assert.Throws<FormatException>(() => HubModelId.Parse(text));
    }

    [Theory]
    [InlineData("*.json", "sub/a.json", true)]
    [InlineData("*.json", "a.jsonl", false)]
    [InlineData("sub/", "sub/dir/a", true)]
    [InlineData("model-?.bin", "model-1.bin", true)]
    [InlineData("[ab]*", "beta", true)]
    [InlineData("[!ab]*", "beta", false)]
    [InlineData("[]]x", "]x", true)]
    [InlineData("[a", "[a", true)]
    [InlineData("a+(b)", "a+(b)", true)]
    [InlineData("README.md", "readme.md", false)]
    public void Patterns_are_those_of_the_Python_client(string pattern, string path, bool matches) => Assert.Equal(matches, new FilePatterns([pattern]).IsAny(path));

    [Fact]
    public void Settings_come_from_the_environment()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal((new Uri("https://huggingface.co"), Path.Combine(folder.Root, ".cache", "huggingface", "hub"), null, false), Read(("HOME", folder.Root)));
        Assert.Equal(Path.Combine(folder.Root, "huggingface", "hub"), Read(("XDG_CACHE_HOME", folder.Root)).Cache);
        Assert.Equal(folder["h/hub"], Read(("HOME", folder.Root), ("HF_HOME", "~/h")).Cache);
        Assert.Equal("/c", Read(("HF_HOME", "/h"), ("HF_HUB_CACHE", "/c")).Cache);
        Assert.Equal(new Uri("http://127.0.0.1:8080"), Read(("HF_ENDPOINT", "http://127.0.0.1:8080/")).Endpoint);
        Assert.True(Read(("HF_HUB_OFFLINE", "yes")).Offline);
        Assert.True(Read(("TRANSFORMERS_OFFLINE", "1")).Offline);
        Assert.False(Read(("HF_HUB_OFFLINE", "0")).Offline);
        Assert.Throws<ArgumentException>(() => Read(("HF_ENDPOINT", "file:///etc")));
    }

    [Fact]
    public void A_token_comes_from_the_environment_or_from_the_file_that_signing_in_leaves()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["token"], "hf_file\n");
        Assert.Equal("hf_file", Read(("HF_HOME", folder.Root)).Token);
        Assert.Equal("hf_other", Read(("HF_HOME", folder.Root), ("HF_TOKEN", " hf_other ")).Token);
        Assert.Equal("hf_file", Read(("HF_HOME", "/nowhere"), ("HF_TOKEN_PATH", folder["token"])).Token);
        Assert.Null(Read(("HF_HOME", folder.Root), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")).Token);
        File.WriteAllText(folder["token"], " \n");
        Assert.Null(Read(("HF_HOME", folder.Root)).Token);
    }

    private static (Uri Endpoint, string Cache, string? Token, bool Offline) Read(params (string Name, string Value)[] variables)
    {
        var options = HubOptions.FromEnvironment(name => Array.Find(variables, variable => variable.Name == name).Value);
        return (options.Endpoint, options.CacheFolder, options.Token, options.Offline);
    }
}
