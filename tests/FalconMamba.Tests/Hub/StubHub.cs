using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace FalconMamba.Tests.Hub;

/// <summary>
/// A hub in memory, which answers as huggingface.co does: small files itself, large ones through a redirect to another host.
/// </summary>
public sealed class StubHub
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    public const string Token = "hf_secret";

    /// <summary>The hub's address.</summary>
    public Uri Address { get; set; } = new("http://hub.test");

    /// <summary>The other host's.</summary>
    public Uri Cdn { get; set; } = new("http://cdn.test");

    /// <summary>Files by path, of every model; those that end in <c>.safetensors</c> or <c>.gguf</c> are large.</summary>
    public Dictionary<string, byte[]> Files { get; } = new()
    {
        ["config.json"] = "{\"model_type\": \"falcon_mamba\"}\n"u8.ToArray(),
        ["README.md"] = "---\nlicense: other\nlicense_name: falcon-mamba-7b-license\nlicense_link: https://example.com/terms\n---\n# model\n"u8.ToArray(),
        ["model.safetensors"] = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * 7))],
        ["sub/dir/notes.txt"] = "nested\n"u8.ToArray(),
    };

    /// <summary>What goes wrong: an answer in place of the usual one, or null.</summary>
    public Func<StubRequest, StubResponse?> Fault { get; set; } = _ => null;

    public static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    public static string GitSha1(byte[] content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(Encoding.ASCII.GetBytes($"blob {content.Length}\0"));
        hash.AppendData(content);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public static string TagOf(string path, byte[] content) => IsLarge(path) ? Sha256(content) : GitSha1(content);

    public StubResponse Answer(StubRequest request) => Fault(request) ?? Usual(request);

    /// <summary>The answer to a request when nothing goes wrong.</summary>
    public StubResponse Usual(StubRequest request)
    {
        var parts = Uri.UnescapeDataString(request.Address.AbsolutePath).Trim('/').Split('/');
        if (request.Target.Contains("private", StringComparison.Ordinal) && request.Authorization != $"Bearer {Token}" && request.Address.Authority == Address.Authority) return Error(401, "RepoNotFound");
        if (request.Target.Contains("gated", StringComparison.Ordinal) && request.Address.Authority == Address.Authority && parts[0] != "api") return Error(403, "GatedRepo");
        if (request.Target.Contains("missing", StringComparison.Ordinal)) return Error(404, "RepoNotFound");
        return parts switch
        {
            ["api", "models", _, _, "revision", var revision] => revision is "main" or "v1"
                ? Json(new { id = $"{parts[2]}/{parts[3]}", sha = Commit })
                : Error(404, "RevisionNotFound"),
            ["api", "models", _, _, "tree", Commit] => Json(Files.Select(file => (object)(IsLarge(file.Key)
                ? new { type = "file", path = file.Key, size = file.Value.Length, oid = GitSha1(file.Value), lfs = new { oid = Sha256(file.Value), size = file.Value.Length } }
                : new { type = "file", path = file.Key, size = file.Value.Length, oid = GitSha1(file.Value) })).Prepend(new { type = "directory", path = "sub", size = 0, oid = Commit })),
            [_, _, "resolve", _, .. var path] => Resolve(string.Join('/', path), request),
            ["cdn", .. var path] => Body(Files[string.Join('/', path)], request),
            _ => StubResponse.Of(404),
        };
    }

    private StubResponse Resolve(string path, StubRequest request)
    {
        if (!Files.TryGetValue(path, out var content)) return Error(404, "EntryNotFound").With("X-Repo-Commit", Commit);
        return (IsLarge(path)
            ? StubResponse.Of(302).With("Location", new Uri(Cdn, $"cdn/{path}").AbsoluteUri).With("X-Linked-Size", $"{content.Length}").With("X-Linked-Etag", $"\"{Sha256(content)}\"")
            : Body(content, request)).With("X-Repo-Commit", Commit).With("ETag", $"\"{GitSha1(content)}\"");
    }

    private static StubResponse Body(byte[] content, StubRequest request) => request.From switch
    {
        0 => new StubResponse(200, content).With("Content-Length", $"{content.Length}"),
        var from when from < content.Length => new StubResponse(206, content[(int)from..]).With("Content-Range", $"bytes {from}-{content.Length - 1}/{content.Length}"),
        _ => StubResponse.Of(416).With("Content-Range", $"bytes */{content.Length}"),
    };

    private static StubResponse Error(int status, string code) => new StubResponse(status, "{}"u8.ToArray()).With("X-Error-Code", code);

    private static StubResponse Json(object content) => new StubResponse(200, JsonSerializer.SerializeToUtf8Bytes(content)).With("Content-Type", "application/json");

    private static bool IsLarge(string path) => path.EndsWith(".safetensors", StringComparison.Ordinal) || path.EndsWith(".gguf", StringComparison.Ordinal);
}
