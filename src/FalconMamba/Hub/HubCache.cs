namespace FalconMamba.Hub;

/// <summary>The models that were downloaded, in the folder that the Python tools use too: what one fetched the other finds.</summary>
public sealed class HubCache
{
    private readonly bool _usesLinks;

    /// <summary>Looks at a cache, which need not be there yet.</summary>
    /// <param name="options">Its folder, and whether there are links in it.</param>
    public HubCache(HubOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Folder = options.CacheFolder;
        _usesLinks = options.UsesLinks;
    }

    /// <summary>The cache's folder.</summary>
    public string Folder { get; }

    /// <summary>Every model that has a snapshot, ordered by name.</summary>
    /// <exception cref="IOException">The cache cannot be read.</exception>
    public IReadOnlyList<CachedModel> List() => !Directory.Exists(Folder)
        ? []
        : [.. Directory.EnumerateDirectories(Folder)
            .Select(folder => HubModelId.FromFolderName(Path.GetFileName(folder)))
            .OfType<HubModelId>()
            .Select(Find)
            .OfType<CachedModel>()
            .OrderBy(model => model.Id.ToString(), StringComparer.Ordinal)];

    /// <summary>A model, or null if it has no snapshot.</summary>
    /// <exception cref="IOException">The cache cannot be read.</exception>
    public CachedModel? Find(HubModelId id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return CachedModel.Read(id, Of(id));
    }

    /// <summary>One revision of a model, or null if it is not there.</summary>
    /// <param name="id">The model.</param>
    /// <param name="revision">A branch, a tag or a commit; null for the branch <c>main</c>.</param>
    /// <exception cref="HubException">The revision can be none.</exception>
    /// <exception cref="IOException">The cache cannot be read.</exception>
    public CachedRevision? Find(HubModelId id, string? revision)
    {
        ArgumentNullException.ThrowIfNull(id);
        return Of(id).FindCommit(revision ?? RepositoryPath.DefaultRevision) is { } commit
            ? Find(id)?.Revisions.FirstOrDefault(candidate => candidate.Commit == commit)
            : null;
    }

    /// <summary>Deletes a model with all its revisions.</summary>
    /// <returns>The bytes that became free.</returns>
    /// <exception cref="IOException">A file cannot be deleted, or somebody downloads the model right now.</exception>
    public long Delete(CachedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var folder = Of(model.Id);
        Undisturbed(model.Id, () => Directory.Delete(folder.Root, recursive: true));
        if (Directory.Exists(folder.LockFolder)) Directory.Delete(folder.LockFolder, recursive: true);
        return model.ByteLength;
    }

    /// <summary>Deletes one revision, and the contents that no other revision uses.</summary>
    /// <returns>The bytes that became free.</returns>
    /// <exception cref="IOException">A file cannot be deleted, or somebody downloads the model right now.</exception>
    public long Delete(CachedModel model, CachedRevision revision)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(revision);
        if (model.Revisions.All(other => other.Commit == revision.Commit)) return Delete(model);
        var folder = Of(model.Id);
        var kept = model.Revisions.Where(other => other.Commit != revision.Commit).SelectMany(other => other.Files).Select(file => file.ContentPath).ToHashSet();
        CachedFile[] unused = [.. revision.Files.DistinctBy(file => file.ContentPath).Where(file => !kept.Contains(file.ContentPath))];
        Undisturbed(model.Id, () =>
        {
            Directory.Delete(revision.Folder, recursive: true);
            File.Delete(folder.Tree(revision.Commit));
            foreach (var reference in revision.References) File.Delete(Path.Combine(folder.ReferenceFolder, reference));
            foreach (var file in unused) File.Delete(file.ContentPath);
        });
        return unused.Sum(file => file.ByteLength);
    }

    internal RepositoryFolder Of(HubModelId id) => new(Folder, id, _usesLinks);

    // Who downloads a content has its lock, the Python tools too.
    private void Undisturbed(HubModelId id, Action delete)
    {
        var folder = Of(id).LockFolder;
        var locks = new List<IDisposable>();
        try
        {
            foreach (var path in Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.lock") : [])
                locks.Add(CacheLock.TryTake(path) ?? throw new IOException($"{id} is being downloaded: wait for that or stop it, then delete it."));
            delete();
        }
        finally
        {
            foreach (var taken in locks) taken.Dispose();
        }
    }
}
