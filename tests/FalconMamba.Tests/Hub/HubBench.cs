using FalconMamba.Hub;

namespace FalconMamba.Tests.Hub;

/// <summary>A stub hub, an empty cache and a client between them, for one test.</summary>
public sealed class HubBench : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public HubBench()
    {
        Hub = new StubHub();
        Handler = new StubHandler(Hub.Answer);
        Options = new HubOptions { Endpoint = Hub.Address, CacheFolder = _folder["hub"], StallTimeout = Timeout.InfiniteTimeSpan };
    }

    public static HubModelId Id { get; } = HubModelId.Parse("owner/name");

    public StubHub Hub { get; }

    public StubHandler Handler { get; }

    public EagerTime Time { get; } = new();

    public HubOptions Options { get; set; }

    public string this[string path] => Path.Combine(Options.CacheFolder, path);

    /// <summary>The partial file that a download of the large file leaves.</summary>
    public string Partial => this[$"models--owner--name/blobs/{StubHub.Sha256(Hub.Files["model.safetensors"])}.falcon-mamba.incomplete"];

    public HubClient Client() => new(Options, Handler, Time);

    /// <summary>Downloads what a model needs.</summary>
    public Task<string> PullAsync(IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default) => PullAsync(Id, progress, cancellationToken);

    public async Task<string> PullAsync(HubModelId id, IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using var client = Client();
        var model = await client.GetModelAsync(id, null, cancellationToken);
        return await client.DownloadAsync(model, ModelFiles.OfModel(model), progress, cancellationToken);
    }

    /// <summary>Pulls what must fail, and gives the error.</summary>
    public async Task<HubException> FailAsync(HubProblem problem, string id = "owner/name")
    {
        var error = await Assert.ThrowsAsync<HubException>(() => PullAsync(HubModelId.Parse(id)));
        Assert.Equal(problem, error.Problem);
        Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        return error;
    }

    /// <summary>Checks that a snapshot holds the hub's files.</summary>
    public void AssertWhole(string snapshot)
    {
        foreach (var path in (string[])["config.json", "README.md", "model.safetensors"]) Assert.Equal(Hub.Files[path], File.ReadAllBytes(Path.Combine(snapshot, path)));
        Assert.Empty(Directory.EnumerateFiles(this["models--owner--name/blobs"], "*.incomplete"));
    }

    public void Dispose()
    {
        Handler.Dispose();
        _folder.Dispose();
    }
}
