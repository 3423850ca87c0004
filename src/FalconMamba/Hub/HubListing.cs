using System.Buffers;
using System.Text.Json;

namespace FalconMamba.Hub;

/// <summary>Asks the hub which commit a revision is, and which files a commit has.</summary>
internal sealed class HubListing(HubConnection connection, TimeSpan stallTimeout, TimeProvider time)
{
    // A page has at most a thousand files; the description of a model may hold a whole configuration.
    private const int LongestAnswer = 1 << 25;
    private const int MostPages = 1000;

    /// <summary>The commit that a branch or tag stands for.</summary>
    public async Task<string> CommitAsync(HubModelId id, string revision, CancellationToken cancellationToken)
    {
        var address = connection.AddressOf($"api/models/{id}/revision/{Uri.EscapeDataString(revision)}");
        var (json, _) = await GetAsync(address, new HubSubject(id, revision), cancellationToken).ConfigureAwait(false);
        using (json)
            return RepositoryPath.CheckCommit(json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("sha", out var sha) && sha.ValueKind == JsonValueKind.String ? sha.GetString() : null);
    }

    /// <summary>All files of a commit.</summary>
    public async Task<IReadOnlyList<HubFile>> FilesAsync(HubModelId id, string commit, CancellationToken cancellationToken)
    {
        var files = new List<HubFile>();
        var subject = new HubSubject(id, commit);
        Uri? next = connection.AddressOf($"api/models/{id}/tree/{commit}?recursive=true&expand=false");
        for (var page = 0; next is not null; page++)
        {
            if (page == MostPages || !connection.IsHub(next)) throw BadList(id);
            (var json, next) = await GetAsync(next, subject, cancellationToken).ConfigureAwait(false);
            using (json) files.AddRange(Read(json.RootElement, id));
        }

        return files;
    }

    private static IEnumerable<HubFile> Read(JsonElement list, HubModelId id)
    {
        if (list.ValueKind != JsonValueKind.Array) throw BadList(id);
        foreach (var entry in list.EnumerateArray())
        {
            if (Text(entry, "type") != "file") continue;
            var lfs = entry.TryGetProperty("lfs", out var large) && large.ValueKind == JsonValueKind.Object ? large : default;
            yield return Text(entry, "path") is { } path && Text(entry, "oid") is { } oid && entry.TryGetProperty("size", out var size) && size.ValueKind == JsonValueKind.Number && size.TryGetInt64(out var bytes) && bytes >= 0
                ? new HubFile(RepositoryPath.CheckFile(path), bytes, RepositoryPath.CheckTag(oid), lfs.ValueKind == JsonValueKind.Object ? RepositoryPath.CheckTag(Text(lfs, "oid")) : null)
                : throw BadList(id);
        }
    }

    private static string? Text(JsonElement element, string key) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static HubException BadList(HubModelId id, Exception? reason = null) =>
        new(HubProblem.BadAnswer, $"The hub's list of the files of {id} is malformed: check that HF_ENDPOINT is the address of a hub.", reason);

    private Task<(JsonDocument Json, Uri? Next)> GetAsync(Uri address, HubSubject subject, CancellationToken cancellationToken) => Backoff.RunAsync(
        time,
        async () =>
        {
            using var response = await connection.GetAsync(address, subject, from: 0, cancellationToken).ConfigureAwait(false);
            using var stall = new StallGuard(stallTimeout, time, cancellationToken);
            try
            {
                var answer = await ReadAsync(response, subject, stall).ConfigureAwait(false);
                return (JsonDocument.Parse(answer), Next(response));
            }
            catch (JsonException e)
            {
                throw BadList(subject.Id, e);
            }
            catch (Exception e) when (StallGuard.IsBroken(e, cancellationToken))
            {
                throw subject.Broken(address, e);
            }
        },
        cancellationToken);

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpResponseMessage response, HubSubject subject, StallGuard stall)
    {
        var answer = new ArrayBufferWriter<byte>();
        await using var body = await response.Content.ReadAsStreamAsync(stall.Token).ConfigureAwait(false);
        for (int read; (read = await body.ReadAsync(answer.GetMemory(), stall.Token).ConfigureAwait(false)) > 0;)
        {
            stall.Touch();
            answer.Advance(read);
            if (answer.WrittenCount > LongestAnswer) throw BadList(subject.Id);
        }

        return answer.WrittenMemory;
    }

    // The address behind rel="next" in the header Link, as GitHub has it too.
    private static Uri? Next(HttpResponseMessage response)
    {
        foreach (var link in (HubSubject.Header(response.Headers, "Link") ?? "").Split(','))
        {
            if (!link.Contains("rel=\"next\"", StringComparison.Ordinal)) continue;
            if (link.IndexOf('<', StringComparison.Ordinal) is >= 0 and var start && link.IndexOf('>', start) is > 0 and var end
                && Uri.TryCreate(response.RequestMessage!.RequestUri!, link[(start + 1)..end], out var next)) return next;
        }

        return null;
    }
}
