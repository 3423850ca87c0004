using FalconMamba.Hub;

namespace FalconMamba.Tests.Hub;

/// <summary>What is in the cache: listing, finding, deleting, and caches without links.</summary>
public class HubCacheTests
{
    private const string Second = "89abcdef0123456789abcdef0123456789abcdef";

    [Fact]
    public async Task Models_are_listed_with_sizes_and_revisions()
    {
        using var bench = new HubBench();
        var cache = new HubCache(bench.Options);
        Assert.Empty(cache.List());
        await bench.PullAsync();
        await bench.PullAsync(HubModelId.Parse("another/model"));
        Directory.CreateDirectory(bench["datasets--owner--name/snapshots"]);
        Assert.Equal(["another/model", "owner/name"], cache.List().Select(model => model.Id.ToString()));
        var model = cache.Find(HubBench.Id)!;
        var revision = Assert.Single(model.Revisions);
        Assert.Equal((StubHub.Commit, "main"), (revision.Commit, Assert.Single(revision.References)));
        Assert.Equal(["README.md", "config.json", "model.safetensors"], revision.Files.Select(file => file.Path));
        Assert.Equal(revision.ByteLength, model.ByteLength);
        Assert.Equal(bench.Hub.Files["config.json"].Length + bench.Hub.Files["README.md"].Length + 100_000, model.ByteLength);
        Assert.Empty(revision.Missing);
        Assert.Equal(HubBench.Id, CachedModel.IdOf(revision.Folder));
        Assert.Equal(HubBench.Id, CachedModel.IdOf(Path.Combine(revision.Folder, "sub", "a.gguf")));
        Assert.Null(CachedModel.IdOf(bench["models--owner--name"]));
    }

    [Fact]
    public async Task A_revision_is_deleted_without_what_others_use()
    {
        using var bench = new HubBench();
        await bench.PullAsync();
        AddSecondRevision(bench);
        var cache = new HubCache(bench.Options);
        var model = cache.Find(HubBench.Id)!;
        Assert.Equal(2, model.Revisions.Count);
        Assert.Equal(7, cache.Delete(model, cache.Find(HubBench.Id, "v2")!));
        Assert.False(File.Exists(bench["models--owner--name/refs/v2"]));
        bench.AssertWhole(Assert.Single(cache.Find(HubBench.Id)!.Revisions).Folder);

        Assert.Equal(cache.Find(HubBench.Id)!.ByteLength, cache.Delete(cache.Find(HubBench.Id)!, cache.Find(HubBench.Id, "main")!));
        Assert.False(Directory.Exists(bench["models--owner--name"]));
        Assert.False(Directory.Exists(bench[".locks/models--owner--name"]));
        Assert.Null(cache.Find(HubBench.Id));
        Assert.Null(cache.Find(HubBench.Id, "main"));
    }

    [Fact]
    public async Task Nothing_is_deleted_while_somebody_downloads_it()
    {
        using var bench = new HubBench();
        await bench.PullAsync();
        AddSecondRevision(bench);
        var cache = new HubCache(bench.Options);
        var model = cache.Find(HubBench.Id)!;
        using (await CacheLock.TakeAsync(bench[".locks/models--owner--name/other.lock"], bench.Time, TestContext.Current.CancellationToken))
        {
            Assert.Contains("owner/name is being downloaded", Assert.Throws<IOException>(() => cache.Delete(model)).Message, StringComparison.Ordinal);
            Assert.Throws<IOException>(() => cache.Delete(model, cache.Find(HubBench.Id, "v2")!));
            Assert.Equal(2, cache.Find(HubBench.Id)!.Revisions.Count);
        }

        Assert.Equal(model.ByteLength, cache.Delete(model));
        Assert.False(Directory.Exists(bench[".locks/models--owner--name"]));
    }

    [Fact]
    public async Task A_cache_without_links_holds_the_files_themselves()
    {
        using var bench = new HubBench();
        bench.Options = bench.Options with { UsesLinks = false };
        var snapshot = await bench.PullAsync();
        bench.AssertWhole(snapshot);
        Assert.All(Directory.EnumerateFiles(snapshot), path => Assert.Null(new FileInfo(path).LinkTarget));
        Assert.Empty(Directory.EnumerateFiles(bench["models--owner--name/blobs"]));
        Assert.Equal(100_000 + bench.Hub.Files["config.json"].Length + bench.Hub.Files["README.md"].Length, new HubCache(bench.Options).Find(HubBench.Id)!.ByteLength);
        var before = bench.Handler.Requests.Count;
        await bench.PullAsync();
        Assert.Equal(before + 1, bench.Handler.Requests.Count);
    }

    [Fact]
    public async Task A_link_whose_content_is_gone_is_filled_again()
    {
        using var bench = new HubBench();
        var snapshot = await bench.PullAsync();
        File.Delete(bench[$"models--owner--name/blobs/{StubHub.Sha256(bench.Hub.Files["model.safetensors"])}"]);
        Assert.Equal(["model.safetensors"], new HubCache(bench.Options).Find(HubBench.Id, null)!.Missing);
        Assert.Equal(snapshot, await bench.PullAsync());
        bench.AssertWhole(snapshot);
    }

    [Theory]
    [InlineData("../../evil")]
    [InlineData("")]
    public async Task A_damaged_reference_finds_nothing(string content)
    {
        using var bench = new HubBench();
        await bench.PullAsync();
        File.WriteAllText(bench["models--owner--name/refs/main"], content);
        Assert.Null(new HubCache(bench.Options).Find(HubBench.Id, "main"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"format_version\": 2, \"files\": {}}")]
    [InlineData("{\"format_version\": 1, \"files\": {\"../evil\": {\"size\": 1, \"blob_id\": \"a\"}}}")]
    [InlineData("{\"format_version\": 1, \"files\": {\"a\": {}}}")]
    public async Task A_damaged_list_of_files_is_asked_for_again(string content)
    {
        using var bench = new HubBench();
        await bench.PullAsync();
        File.WriteAllText(bench[$"models--owner--name/trees/{StubHub.Commit}.json"], content);
        bench.AssertWhole(await bench.PullAsync());
    }

    [Fact]
    public async Task Names_in_other_scripts_are_kept_as_Python_writes_them()
    {
        using var bench = new HubBench();
        bench.Hub.Files["é \"x\" 語.txt"] = [1];
        using var client = bench.Client();
        var model = await client.GetModelAsync(HubBench.Id);
        var snapshot = await client.DownloadAsync(model, ModelFiles.Matching(model, ["*.txt"], []));
        Assert.True(File.Exists(Path.Combine(snapshot, "é \"x\" 語.txt")));
        Assert.Contains("\"\\u00e9 \\\"x\\\" \\u8a9e.txt\": {\n   \"size\": 1,", File.ReadAllText(bench[$"models--owner--name/trees/{StubHub.Commit}.json"]), StringComparison.Ordinal);
        Assert.Equal(model.Files.OrderBy(file => file.Path, StringComparer.Ordinal), (await client.GetModelAsync(HubBench.Id)).Files);
    }

    // Shares config.json, and has a file of its own.
    private static void AddSecondRevision(HubBench bench)
    {
        var snapshot = bench[$"models--owner--name/snapshots/{Second}"];
        Directory.CreateDirectory(snapshot);
        File.CreateSymbolicLink(Path.Combine(snapshot, "config.json"), $"../../blobs/{StubHub.GitSha1(bench.Hub.Files["config.json"])}");
        File.WriteAllText(bench["models--owner--name/blobs/own"], "its own");
        File.CreateSymbolicLink(Path.Combine(snapshot, "own.txt"), "../../blobs/own");
        File.WriteAllText(bench["models--owner--name/refs/v2"], Second);
    }
}
