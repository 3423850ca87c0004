using FalconMamba.Hub;

namespace FalconMamba.Tests.Hub;

/// <summary>One name for folders, files, models that ship, and models on the hub.</summary>
public class ModelResolverTests
{
    [Fact]
    public void Folders_and_files_come_first()
    {
        using var folder = new TemporaryFolder();
        using var bench = new HubBench();
        var cache = new HubCache(bench.Options);
        File.WriteAllText(folder["a.gguf"], "");
        File.WriteAllText(folder["a.bin"], "");
        Assert.Equal(folder.Root, ModelResolver.Resolve(folder.Root, cache));
        Assert.Equal(folder["a.gguf"], ModelResolver.Resolve(folder["a.gguf"], cache));
        Assert.Contains("no .gguf file", Assert.Throws<FileNotFoundException>(() => ModelResolver.Resolve(folder["a.bin"], cache)).Message, StringComparison.Ordinal);
        Assert.Equal("shakespeare-4m", Path.GetFileName(ModelResolver.Resolve("shakespeare-4m", cache)));
    }

    [Fact]
    public async Task A_model_in_the_cache_is_found_by_its_id()
    {
        using var bench = new HubBench();
        var snapshot = await bench.PullAsync();
        var cache = new HubCache(bench.Options);
        foreach (var name in (string[])["owner/name", "owner/name@main", $"owner/name@{StubHub.Commit}"]) Assert.Equal(snapshot, ModelResolver.Resolve(name, cache));
        Assert.Contains("'falcon-mamba pull owner/other'", Assert.Throws<FileNotFoundException>(() => ModelResolver.Resolve("owner/other", cache)).Message, StringComparison.Ordinal);
        Assert.Contains("'falcon-mamba pull owner/name --revision v1'", Assert.Throws<FileNotFoundException>(() => ModelResolver.Resolve("owner/name@v1", cache)).Message, StringComparison.Ordinal);
        Assert.Contains("'falcon-mamba pull owner/name --include q.gguf'", Assert.Throws<FileNotFoundException>(() => ModelResolver.Resolve("owner/name/q.gguf", cache)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_part_of_a_model_is_told()
    {
        using var bench = new HubBench();
        bench.Hub.Fault = request => request.Address.Host == "cdn.test" ? StubResponse.Of(500) : null;
        await bench.FailAsync(HubProblem.BadAnswer);
        var cache = new HubCache(bench.Options);
        var error = Assert.Throws<HubException>(() => ModelResolver.Resolve("owner/name", cache));
        Assert.Contains("without model.safetensors", error.Message, StringComparison.Ordinal);
        Assert.Contains("'falcon-mamba pull owner/name'", error.Message, StringComparison.Ordinal);
        Assert.Equal(cache.Find(HubBench.Id, null)!.Folder, ModelResolver.Resolve("owner/name", cache, needsWeights: false));
    }

    [Fact]
    public async Task A_gguf_repository_is_its_file()
    {
        using var bench = new HubBench();
        bench.Hub.Files.Remove("model.safetensors");
        bench.Hub.Files["q4.gguf"] = [1, 2, 3];
        var cache = new HubCache(bench.Options);
        var file = Path.Combine(await bench.PullAsync(), "q4.gguf");
        Assert.Equal(file, ModelResolver.Resolve("owner/name", cache));
        Assert.Equal(file, ModelResolver.Resolve("owner/name/q4.gguf", cache));
    }

    [Fact]
    public async Task What_is_not_here_is_downloaded_where_that_was_asked_for()
    {
        using var bench = new HubBench();
        using var client = bench.Client();
        var snapshot = await ModelResolver.ResolveAsync("owner/name", client, ModelFiles.OfTokenizer);
        Assert.False(File.Exists(Path.Combine(snapshot, "model.safetensors")));
        Assert.Equal(snapshot, await ModelResolver.ResolveAsync("owner/name", client, ModelFiles.OfModel));
        bench.AssertWhole(snapshot);
        var before = bench.Handler.Requests.Count;
        Assert.Equal(snapshot, await ModelResolver.ResolveAsync("owner/name", client, ModelFiles.OfModel));
        Assert.Equal(before, bench.Handler.Requests.Count);
        Assert.Equal(snapshot, await ModelResolver.ResolveAsync("owner/name", client, ModelFiles.OfModel, revision: "v1"));
        Assert.Equal("shakespeare-4m", Path.GetFileName(await ModelResolver.ResolveAsync("shakespeare-4m", client, ModelFiles.OfModel)));
        await Assert.ThrowsAsync<FileNotFoundException>(() => ModelResolver.ResolveAsync("./no/such/folder", client, ModelFiles.OfModel));
    }

    [Fact]
    public async Task An_older_tools_snapshot_without_a_list_serves_offline()
    {
        using var bench = new HubBench();
        var snapshot = await bench.PullAsync();
        Directory.Delete(bench["models--owner--name/trees"], recursive: true);
        var before = bench.Handler.Requests.Count;
        using var client = bench.Client();
        Assert.Equal(snapshot, await ModelResolver.ResolveAsync("owner/name", client, ModelFiles.OfModel));
        Assert.Equal(snapshot, ModelResolver.Resolve("owner/name", client.Cache));
        Assert.Equal(before, bench.Handler.Requests.Count);
    }
}
