using System.Collections.Immutable;

namespace FalconMamba.Hub;

/// <summary>A file of a snapshot.</summary>
/// <param name="Path">Its path in the repository, with forward slashes.</param>
/// <param name="ByteLength">Its length.</param>
/// <param name="ContentPath">The file that holds it.</param>
public sealed record CachedFile(string Path, long ByteLength, string ContentPath);

/// <summary>One revision of a model in the cache: what was downloaded of one commit.</summary>
public sealed record CachedRevision
{
    private const string GgufExtension = ".gguf", SafetensorsExtension = ".safetensors";

    /// <summary>The commit.</summary>
    public required string Commit { get; init; }

    /// <summary>The branches and tags that stand for it.</summary>
    public required ImmutableArray<string> References { get; init; }

    /// <summary>The snapshot's folder, which is laid out as the repository.</summary>
    public required string Folder { get; init; }

    /// <summary>The files whose contents are there, ordered by path.</summary>
    public required ImmutableArray<CachedFile> Files { get; init; }

    /// <summary>The files that a model needs and that are not there; none where the list of files is unknown.</summary>
    public required ImmutableArray<string> Missing { get; init; }

    /// <summary>The bytes of all its files.</summary>
    public long ByteLength => Files.Sum(file => file.ByteLength);

    /// <summary>What a model is loaded from: the folder, or the GGUF file where that is all there is and it is one.</summary>
    public string ModelPath => OnlyGguf(Files.Select(file => file.Path)) ?? Folder;

    /// <summary>Whether there are weights, be they all or not.</summary>
    internal bool HasWeights => Files.Any(file => IsWeights(file.Path));

    /// <summary>What a model is loaded from where some of its files were chosen: the GGUF file if just one was and no other weights, or else <see cref="ModelPath"/>.</summary>
    /// <param name="chosen">The files.</param>
    public string PathOf(IEnumerable<HubFile> chosen)
    {
        ArgumentNullException.ThrowIfNull(chosen);
        return OnlyGguf(chosen.Select(file => file.Path)) ?? ModelPath;
    }

    /// <summary>The files that are there, for want of a list of all.</summary>
    internal IReadOnlyList<HubFile> AsListed() => [.. Files.Select(file => new HubFile(file.Path, file.ByteLength, System.IO.Path.GetFileName(file.ContentPath)))];

    internal static CachedRevision Read(RepositoryFolder folder, string commit, IEnumerable<string> references)
    {
        var snapshot = folder.Snapshot(commit);
        var files = Directory.EnumerateFiles(snapshot, "*", SearchOption.AllDirectories)
            .Select(path => (Path: System.IO.Path.GetRelativePath(snapshot, path).Replace(System.IO.Path.DirectorySeparatorChar, '/'), Content: RepositoryFolder.Content(path)))
            .Where(file => file.Content is not null)
            .Select(file => new CachedFile(file.Path, file.Content!.Length, file.Content.FullName))
            .OrderBy(file => file.Path, StringComparer.Ordinal)
            .ToImmutableArray();
        var present = files.Select(file => file.Path).ToHashSet();
        return new CachedRevision
        {
            Commit = commit,
            References = [.. references.Order(StringComparer.Ordinal)],
            Folder = snapshot,
            Files = files,
            Missing = [.. (ModelFiles.Weights(folder.ReadTree(commit) ?? []) ?? []).Select(file => file.Path).Where(path => !present.Contains(path))],
        };
    }

    private string? OnlyGguf(IEnumerable<string> paths) => paths.Where(IsWeights).ToArray() is [var only] && HasEnd(only, GgufExtension) ? System.IO.Path.Combine(Folder, only) : null;

    private static bool IsWeights(string path) => HasEnd(path, GgufExtension) || HasEnd(path, SafetensorsExtension);

    private static bool HasEnd(string path, string extension) => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase);
}
