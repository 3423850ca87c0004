using System.Text;
using System.Text.Json;
using FalconMamba.Hub;

namespace FalconMamba.Tests.Hub;

/// <summary>The requests and the cache of huggingface_hub, replayed: the same calls must ask the same and leave the same.</summary>
[Trait("Category", "Golden")]
public class HubGoldenTests
{
    private const string HomeName = "$HF_HOME", PartialEnd = ".incomplete";

    [Fact]
    public void Recorded_calls_ask_the_same_and_leave_the_same_cache() => FixtureFolder.ForEach<string>("hub", Discover, folder => CheckAsync(folder).GetAwaiter().GetResult());

    private static IEnumerable<(string, string)> Discover(string folder) => Directory.EnumerateFiles(folder, "exchanges.json", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal)
        .Select(path => (path, Path.GetDirectoryName(path)!));

    private static async Task CheckAsync(string folder)
    {
        using var home = new TemporaryFolder();
        var hub = new RecordedHub(Path.Combine(folder, "exchanges.json"));
        var expected = ReadRecorded(Path.Combine(folder, "cache-tree.json"), hub, home["hub"]);
        using var handler = new StubHandler(hub.Answer);
        foreach (var (phase, result) in hub.Results)
        {
            var exchanges = hub.Begin(phase);
            var options = new HubOptions
            {
                Endpoint = new Uri("http://hub.test"),
                CacheFolder = home["hub"],
                Token = exchanges.FirstOrDefault(exchange => exchange.Authorization is not null)?.Authorization!["Bearer ".Length..],
                Offline = exchanges.Count == 0,
                ParallelFiles = 1,
                StallTimeout = Timeout.InfiniteTimeSpan,
            };
            using var client = new HubClient(options, handler, new EagerTime());
            if (result.StartsWith(HomeName, StringComparison.Ordinal))
                Assert.Equal(result.Replace(HomeName, home.Root, StringComparison.Ordinal), await RunAsync(client, exchanges, result));
            else if (exchanges.Count > 0)
                Assert.Contains((await Assert.ThrowsAsync<HubException>(() => RunAsync(client, exchanges, result))).Problem, ProblemsOf(result));
            hub.End(phase);
        }

        Assert.Empty(hub.Differences);
        var found = ReadCache(home["hub"], hub);
        Assert.Equal([], expected.Except(found));
        Assert.Equal([], found.Except(expected));
        FixtureFolder.Report($"hub: {hub.Results.Count} phases, {hub.Exchanges.Count} requests, {found.Count} paths");
    }

    // Recordings keep what was asked, not the call that was made; the first request tells it.
    private static Task<string> RunAsync(HubClient client, IReadOnlyList<RecordedExchange> exchanges, string result)
    {
        if (exchanges.Count == 0) return FromCacheAsync(client, result);
        var parts = exchanges[0].Target.Split('?')[0].Trim('/').Split('/');
        return parts switch
        {
            ["api", "models", var owner, var name, _, var revision] => SnapshotAsync(client, HubModelId.Parse($"{owner}/{name}"), Uri.UnescapeDataString(revision), exchanges),
            [var owner, var name, "resolve", var revision, ..] => client.DownloadFileAsync(HubModelId.Parse($"{owner}/{name}"), exchanges[0].File!, Uri.UnescapeDataString(revision)),
            _ => throw new InvalidDataException($"No call begins with {exchanges[0].Target}."),
        };
    }

    private static async Task<string> SnapshotAsync(HubClient client, HubModelId id, string revision, IReadOnlyList<RecordedExchange> exchanges)
    {
        var model = await client.GetModelAsync(id, revision);
        var present = client.Cache.Find(id, model.Commit)?.Files.Select(file => file.Path) ?? [];
        var wanted = exchanges.Select(exchange => exchange.File).Concat(present).ToHashSet();
        return await client.DownloadAsync(model, [.. model.Files.Where(file => wanted.Contains(file.Path))]);
    }

    private static async Task<string> FromCacheAsync(HubClient client, string result)
    {
        var parts = result.Split('/');
        var place = Array.IndexOf(parts, "snapshots");
        var id = HubModelId.FromFolderName(parts[place - 1])!;
        var revision = client.Cache.Find(id, parts[place + 1])!.References.FirstOrDefault() ?? parts[place + 1];
        if (place + 2 < parts.Length) return await client.DownloadFileAsync(id, string.Join('/', parts[(place + 2)..]), revision);
        var model = await client.GetModelAsync(id, revision);
        return await client.DownloadAsync(model, []);
    }

    // Where the other client falls back to its cache it tells only that the cache has it not either.
    private static HubProblem[] ProblemsOf(string result) => result.Split(':')[0] switch
    {
        "RepositoryNotFoundError" => [HubProblem.RepositoryNotFound],
        "RevisionNotFoundError" => [HubProblem.RevisionNotFound],
        "RemoteEntryNotFoundError" or "EntryNotFoundError" => [HubProblem.FileNotFound],
        "GatedRepoError" => [HubProblem.Gated],
        _ => Enum.GetValues<HubProblem>(),
    };

    private static HashSet<string> ReadRecorded(string path, RecordedHub hub, string cache)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        var lines = new HashSet<string>();
        foreach (var entry in json.RootElement.EnumerateArray())
        {
            var name = entry.GetProperty("path").GetString()!;
            var bytes = entry.TryGetProperty("bytes", out var length) ? length.GetInt32() : 0;
            if (TagOf(name) is { } tag && name.EndsWith(PartialEnd, StringComparison.Ordinal) && hub.IsContent(tag))
            {
                // Another client's unfinished file: it was there before, and stays as it is.
                var partial = Path.Combine(cache, hub.Own(name));
                Directory.CreateDirectory(Path.GetDirectoryName(partial)!);
                File.WriteAllBytes(partial, hub.Content(tag)[..bytes]);
            }

            lines.Add(entry switch
            {
                _ when entry.TryGetProperty("link", out var link) => $"{name} -> {link.GetString()}",
                _ when entry.TryGetProperty("dir", out _) => $"{name}/",
                _ when TagOf(name) is { } content && hub.IsContent(content) => $"{name}: the first {bytes} bytes",
                _ => $"{name}: {bytes} bytes, {entry.GetProperty("sha256").GetString()}",
            });
        }

        return lines;
    }

    private static HashSet<string> ReadCache(string cache, RecordedHub hub)
    {
        var lines = new HashSet<string>();
        foreach (var entry in new DirectoryInfo(cache).EnumerateFileSystemInfos("*", SearchOption.AllDirectories))
        {
            var name = hub.Recorded(Path.GetRelativePath(cache, entry.FullName).Replace(Path.DirectorySeparatorChar, '/'));
            lines.Add(entry switch
            {
                { LinkTarget: { } link } => $"{name} -> {hub.Recorded(link)}",
                DirectoryInfo => $"{name}/",
                _ when TagOf(name) is { } tag && hub.IsContent(tag) && File.ReadAllBytes(entry.FullName) is var content && hub.Content(tag).AsSpan().StartsWith(content) => $"{name}: the first {content.Length} bytes",
                _ => Encoding.UTF8.GetBytes(hub.Recorded(File.ReadAllText(entry.FullName))) is var text ? $"{name}: {text.Length} bytes, {StubHub.Sha256(text)}" : "",
            });
        }

        return lines;
    }

    // The content that a path in a folder of blobs is, or a part of it.
    private static string? TagOf(string path) => path.Split('/') is [.., "blobs", var name] ? name.Split('.')[0] : null;
}
