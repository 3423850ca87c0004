using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace FalconMamba.Tests.Hub;

/// <summary>One request of a recording, and its answer.</summary>
public sealed record RecordedExchange(string Phase, string Method, string Target, string? Authorization, int Status, Dictionary<string, string> Headers)
{
    public string? Tag => (Headers.GetValueOrDefault("X-Linked-Etag") ?? Headers.GetValueOrDefault("ETag"))?.Trim('"');

    public string? File => Target.Split("/resolve/", 2) is [_, var rest] ? Uri.UnescapeDataString(rest[(rest.IndexOf('/', StringComparison.Ordinal) + 1)..]) : null;

    public static RecordedExchange Read(JsonElement json)
    {
        var request = json.GetProperty("request").EnumerateObject().ToDictionary(header => header.Name, header => header.Value.GetString()!, StringComparer.OrdinalIgnoreCase);
        return new RecordedExchange(
            json.GetProperty("phase").GetString()!,
            json.GetProperty("method").GetString()!,
            json.GetProperty("path").GetString()!,
            request.GetValueOrDefault("authorization"),
            json.GetProperty("status").GetInt32(),
            json.GetProperty("response").EnumerateObject().ToDictionary(header => header.Name, header => header.Value.GetString()!, StringComparer.OrdinalIgnoreCase));
    }
}

/// <summary>
/// Replays recorded exchanges. Recordings keep hashes and lengths of contents, not the contents, so each gets another one of its
/// length here, and hashes are exchanged on the way in and out.
/// </summary>
public sealed class RecordedHub
{
    private readonly Dictionary<string, byte[]> _contents = [];
    private readonly List<(string Recorded, string Own)> _tags = [];
    private readonly List<RecordedExchange> _open = [];

    public RecordedHub(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        Results = [.. json.RootElement.GetProperty("results").EnumerateObject().Select(result => (result.Name, result.Value.GetString()!))];
        Exchanges = [.. json.RootElement.GetProperty("exchanges").EnumerateArray().Select(RecordedExchange.Read)];
        foreach (var exchange in Exchanges.Where(exchange => exchange is { Method: "HEAD", Tag: not null }).DistinctBy(exchange => exchange.Tag))
        {
            var content = Invent(exchange.Tag!, int.Parse(exchange.Headers.GetValueOrDefault("X-Linked-Size") ?? exchange.Headers["Content-Length"], System.Globalization.CultureInfo.InvariantCulture));
            _contents[exchange.Tag!] = content;
            _tags.Add((exchange.Tag!, exchange.Tag!.Length == 64 ? StubHub.Sha256(content) : StubHub.GitSha1(content)));
        }
    }

    /// <summary>What each phase gave, in order.</summary>
    public IReadOnlyList<(string Phase, string Result)> Results { get; }

    public IReadOnlyList<RecordedExchange> Exchanges { get; }

    /// <summary>Requests that the recording has not got, and those of it that were not made.</summary>
    public List<string> Differences { get; } = [];

    public byte[] Content(string recordedTag) => _contents[recordedTag];

    public bool IsContent(string recordedTag) => _contents.ContainsKey(recordedTag);

    /// <summary>A text of the recording with the hashes of the contents here.</summary>
    public string Own(string text) => _tags.Aggregate(text, (current, tag) => current.Replace(tag.Recorded, tag.Own, StringComparison.Ordinal));

    /// <summary>A text from here with the hashes of the recording.</summary>
    public string Recorded(string text) => _tags.Aggregate(text, (current, tag) => current.Replace(tag.Own, tag.Recorded, StringComparison.Ordinal));

    /// <summary>Begins a phase.</summary>
    public IReadOnlyList<RecordedExchange> Begin(string phase)
    {
        _open.Clear();
        _open.AddRange(Exchanges.Where(exchange => exchange.Phase == phase));
        return [.. _open];
    }

    /// <summary>Ends a phase.</summary>
    public void End(string phase) => Differences.AddRange(_open.Select(exchange => $"{phase}: {exchange.Method} {exchange.Target} was not asked"));

    public StubResponse Answer(StubRequest request)
    {
        var index = _open.FindIndex(exchange => exchange.Method == request.Method && exchange.Target == request.Target);
        if (index < 0)
        {
            Differences.Add($"{request} was asked");
            return StubResponse.Of(400);
        }

        var exchange = _open[index];
        _open.RemoveAt(index);
        if (exchange.Authorization != request.Authorization) Differences.Add($"{request} went with {request.Authorization ?? "no token"}");
        var body = exchange switch
        {
            { Method: "HEAD" } or { Status: not (200 or 206) } => [],
            _ when request.Target.Contains("/tree/", StringComparison.Ordinal) => Listing(),
            _ when request.Target.StartsWith("/api/", StringComparison.Ordinal) => JsonSerializer.SerializeToUtf8Bytes(new { sha = exchange.Headers["X-Repo-Commit"] }),
            _ => _contents[exchange.Tag!],
        };
        return new StubResponse(exchange.Status, body)
        {
            Headers = exchange.Headers.ToDictionary(header => header.Key, header => Own(header.Value)
                .Replace("http://127.0.0.1:PORT", "http://hub.test", StringComparison.Ordinal)
                .Replace("http://localhost:PORT", "http://cdn.test", StringComparison.Ordinal)),
        };
    }

    // Every model of a recording has the same files.
    private byte[] Listing() => Encoding.UTF8.GetBytes(Own(JsonSerializer.Serialize(Exchanges
        .Where(exchange => exchange is { Method: "HEAD", Tag: not null, File: not null })
        .DistinctBy(exchange => exchange.File)
        .Select(exchange => _contents[exchange.Tag!].Length is var size && exchange.Headers.ContainsKey("X-Linked-Etag")
            ? (object)new { type = "file", path = exchange.File, size, oid = exchange.Headers["ETag"].Trim('"'), lfs = new { oid = exchange.Tag, size } }
            : new { type = "file", path = exchange.File, size, oid = exchange.Tag }))));

    private static byte[] Invent(string tag, int length)
    {
        var content = new byte[length];
        var seed = SHA256.HashData(Encoding.ASCII.GetBytes(tag));
        for (var i = 0; i < length; i++) content[i] = (byte)(seed[i % seed.Length] + (i / seed.Length));
        return content;
    }
}
