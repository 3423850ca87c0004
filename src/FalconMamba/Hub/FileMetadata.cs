using System.Globalization;

namespace FalconMamba.Hub;

/// <summary>What the hub says of a file before it is fetched.</summary>
/// <param name="Commit">The commit that the file was looked for in.</param>
/// <param name="Tag">The name of its content.</param>
/// <param name="Size">Its length in bytes.</param>
/// <param name="Location">Where the content is, on the hub or on another host.</param>
internal sealed record FileMetadata(string Commit, string Tag, long Size, Uri Location)
{
    /// <summary>Reads an answer to HEAD.</summary>
    /// <exception cref="HubException">It lacks what a hub's has.</exception>
    public static FileMetadata Of(HttpResponseMessage response)
    {
        if (SizeOf(response) is not { } size) throw new HubException(HubProblem.BadAnswer, "The hub's answer does not say how long the file is: check that HF_ENDPOINT is the address of a hub.");
        return new FileMetadata(
            RepositoryPath.CheckCommit(HubSubject.Header(response.Headers, "X-Repo-Commit")),
            RepositoryPath.CheckTag(TagOf(response)),
            size,
            HubConnection.IsRedirect(response) ? HubConnection.Target(response) : response.RequestMessage!.RequestUri!);
    }

    /// <summary>Whether an answer names the content and its length, so that a redirect need not be followed to learn them.</summary>
    public static bool IsComplete(HttpResponseMessage response) => TagOf(response) is not null && SizeOf(response) is not null;

    // A large file's answer is a redirect that tells of the content under other names.
    private static string? TagOf(HttpResponseMessage response) => HubSubject.Header(response.Headers, "X-Linked-Etag") ?? response.Headers.ETag?.ToString() ?? HubSubject.Header(response.Headers, "ETag");

    private static long? SizeOf(HttpResponseMessage response)
    {
        if (HubSubject.Header(response.Headers, "X-Linked-Size") is { } linked)
            return long.TryParse(linked, NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : null;
        return HubConnection.IsRedirect(response) ? null : response.Content.Headers.ContentLength;
    }
}
