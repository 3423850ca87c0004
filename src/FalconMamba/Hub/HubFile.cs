namespace FalconMamba.Hub;

/// <summary>A file of a model on the hub.</summary>
/// <param name="Path">Its path in the repository, with forward slashes.</param>
/// <param name="Size">Its length in bytes.</param>
/// <param name="BlobId">Its git hash: SHA-1 of the content, or of the pointer to it where <paramref name="Sha256"/> is given.</param>
/// <param name="Sha256">The hash of a large file's content; null for small ones.</param>
public sealed record HubFile(string Path, long Size, string BlobId, string? Sha256 = null);
