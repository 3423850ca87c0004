namespace FalconMamba.Hub;

/// <summary>A model in the cache.</summary>
public sealed record CachedModel
{
    /// <summary>The model.</summary>
    public required HubModelId Id { get; init; }

    /// <summary>Its folder.</summary>
    public required string Folder { get; init; }

    /// <summary>The bytes that it takes, contents that revisions share once, unfinished downloads too.</summary>
    public required long ByteLength { get; init; }

    /// <summary>Its revisions, the last one used first.</summary>
    public required IReadOnlyList<CachedRevision> Revisions { get; init; }

    /// <summary>The model that a snapshot's folder, or a file in one, belongs to; null for any other path.</summary>
    public static HubModelId? IdOf(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        for (var folder = new DirectoryInfo(Path.GetFullPath(path)); folder?.Parent is { } parent; folder = parent)
            if (parent.Name == "snapshots" && parent.Parent is { } model) return HubModelId.FromFolderName(model.Name);
        return null;
    }

    internal static CachedModel? Read(HubModelId id, RepositoryFolder folder)
    {
        if (!Directory.Exists(folder.SnapshotFolder)) return null;
        var references = Directory.Exists(folder.ReferenceFolder)
            ? Directory.EnumerateFiles(folder.ReferenceFolder, "*", SearchOption.AllDirectories)
                .Select(path => (Name: Path.GetRelativePath(folder.ReferenceFolder, path).Replace(Path.DirectorySeparatorChar, '/'), Commit: File.ReadAllText(path).Trim()))
                .ToLookup(reference => reference.Commit, reference => reference.Name)
            : null;
        var revisions = Directory.EnumerateDirectories(folder.SnapshotFolder)
            .Where(snapshot => RepositoryPath.IsCommit(Path.GetFileName(snapshot)))
            .Select(snapshot => CachedRevision.Read(folder, Path.GetFileName(snapshot), references?[Path.GetFileName(snapshot)] ?? []))
            .OrderByDescending(revision => Directory.GetLastWriteTimeUtc(revision.Folder))
            .ToArray();
        return revisions.Length == 0 ? null : new CachedModel { Id = id, Folder = folder.Root, Revisions = revisions, ByteLength = Measure(folder, revisions) };
    }

    private static long Measure(RepositoryFolder folder, IEnumerable<CachedRevision> revisions)
    {
        var sizes = revisions.SelectMany(revision => revision.Files).DistinctBy(file => file.ContentPath).ToDictionary(file => file.ContentPath, file => file.ByteLength);
        if (Directory.Exists(folder.BlobFolder))
            foreach (var blob in new DirectoryInfo(folder.BlobFolder).EnumerateFiles()) sizes[blob.FullName] = blob.Length;
        return sizes.Values.Sum();
    }
}
