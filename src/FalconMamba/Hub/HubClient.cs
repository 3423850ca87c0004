using System.Globalization;

namespace FalconMamba.Hub;

/// <summary>
/// Finds models on a hub and downloads them into the cache that the Python tools share. One client serves any number of calls,
/// at the same time too; what is in the cache is not asked for again.
/// </summary>
public sealed class HubClient : IDisposable
{
    private readonly HubConnection _connection;
    private readonly HubListing _listing;
    private readonly TimeProvider _time;

    /// <summary>Creates a client.</summary>
    /// <param name="options">Where to look; null for what the environment says.</param>
    /// <param name="handler">What sends requests, for tests and proxies; it must follow no redirects and stays the caller's. Null for the system's.</param>
    /// <param name="timeProvider">The clock that waiting goes by; null for the system's.</param>
    public HubClient(HubOptions? options = null, HttpMessageHandler? handler = null, TimeProvider? timeProvider = null)
    {
        Options = options ?? HubOptions.FromEnvironment();
        Cache = new HubCache(Options);
        _time = timeProvider ?? TimeProvider.System;
        _connection = new HubConnection(Options, handler, _time);
        _listing = new HubListing(_connection, Options.StallTimeout, _time);
    }

    /// <summary>Where the client looks.</summary>
    public HubOptions Options { get; }

    /// <summary>What is downloaded.</summary>
    public HubCache Cache { get; }

    /// <summary>The free bytes of the disk that a folder is on, null where that is unknown; tests put in their own.</summary>
    internal Func<string, long?> FreeSpace { get; init; } = DiskSpace.Free;

    /// <summary>Finds a model, the commit that a revision is now, and the list of its files.</summary>
    /// <param name="id">The model.</param>
    /// <param name="revision">A branch, a tag or a commit; null for the branch <c>main</c>.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <exception cref="HubException">There is no such model or revision, or the hub does not give it.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public async Task<HubModel> GetModelAsync(HubModelId id, string? revision = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        revision = RepositoryPath.CheckRevision(revision ?? RepositoryPath.DefaultRevision);
        var folder = Cache.Of(id);
        if (Options.Offline)
        {
            var cached = Cache.Find(id, revision) ?? throw NotCached(id, revision);
            return new HubModel(id, revision, cached.Commit, folder.ReadTree(cached.Commit) ?? cached.AsListed());
        }

        var commit = RepositoryPath.IsCommit(revision) ? revision : await _listing.CommitAsync(id, revision, cancellationToken).ConfigureAwait(false);
        return new HubModel(id, revision, commit, folder.ReadTree(commit) ?? await _listing.FilesAsync(id, commit, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Downloads files of a model, several at once; what is there already is not fetched again, and what was begun is gone on with.</summary>
    /// <param name="model">The model, as <see cref="GetModelAsync"/> found it.</param>
    /// <param name="files">The files, as <see cref="ModelFiles"/> chooses them.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Cancels; what has come stays for the next time.</param>
    /// <returns>The snapshot's folder.</returns>
    /// <exception cref="HubException">A file cannot be had, or the disk has no room.</exception>
    /// <exception cref="IOException">The cache cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public async Task<string> DownloadAsync(HubModel model, IReadOnlyCollection<HubFile> files, IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(files);
        var folder = Cache.Of(model.Id);
        var missing = files.Where(file => RepositoryFolder.Content(folder.Pointer(model.Commit, RepositoryPath.CheckFile(file.Path))) is null).ToArray();
        if (Options.Offline) return missing.Length == 0 ? folder.Snapshot(model.Commit) : throw NotCached(model.Id, model.Revision, missing[0].Path);

        CheckRoom(folder, missing.Select(file => (file.Sha256 ?? file.BlobId, file.Size)));
        if (folder.ReadTree(model.Commit) is null) folder.WriteTree(model.Commit, model.Files);
        folder.WriteReference(model.Revision, model.Commit);
        var count = new ProgressCount(progress, files.Sum(file => file.Size), files.Count);
        foreach (var file in files.Except(missing))
        {
            count.Add(file.Size);
            count.Complete();
        }

        await Parallel.ForEachAsync(
            missing,
            new ParallelOptions { MaxDegreeOfParallelism = Options.ParallelFiles, CancellationToken = cancellationToken },
            async (file, token) =>
            {
                var download = Download(new HubSubject(model.Id, model.Commit, file.Path), count);
                var metadata = await download.LookUpAsync(token).ConfigureAwait(false);
                if (metadata.Size != file.Size)
                {
                    throw new HubException(
                        HubProblem.Damaged, $"{file.Path} of {model.Id} has {metadata.Size} bytes where the hub lists {file.Size}: run this again later.");
                }

                await download.FetchAsync(metadata, token).ConfigureAwait(false);
                count.Complete();
            }).ConfigureAwait(false);
        return folder.Snapshot(model.Commit);
    }

    /// <summary>Downloads one file of a model.</summary>
    /// <param name="id">The model.</param>
    /// <param name="path">The file's path in the repository.</param>
    /// <param name="revision">A branch, a tag or a commit; null for the branch <c>main</c>.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Cancels; what has come stays for the next time.</param>
    /// <returns>The file in the cache, up to date as of this call unless offline.</returns>
    /// <exception cref="HubException">The file cannot be had, or the disk has no room.</exception>
    /// <exception cref="IOException">The cache cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public async Task<string> DownloadFileAsync(
        HubModelId id, string path, string? revision = null, IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        RepositoryPath.CheckFile(path);
        revision = RepositoryPath.CheckRevision(revision ?? RepositoryPath.DefaultRevision);
        var folder = Cache.Of(id);
        if (Options.Offline || RepositoryPath.IsCommit(revision))
        {
            var known = folder.FindCommit(revision) is { } commit ? folder.Pointer(commit, path) : null;
            if (known is not null && RepositoryFolder.Content(known) is not null) return known;
            if (Options.Offline) throw NotCached(id, revision, path);
        }

        var metadata = await LookUpAsync(folder, new HubSubject(id, revision, path), cancellationToken).ConfigureAwait(false);
        var pointer = folder.Pointer(metadata.Commit, path);
        if (RepositoryFolder.Content(pointer) is null) CheckRoom(folder, [(metadata.Tag, metadata.Size)]);
        folder.WriteReference(revision, metadata.Commit);
        var count = new ProgressCount(progress, metadata.Size, 1);
        if (RepositoryFolder.Content(pointer) is null) await Download(new HubSubject(id, metadata.Commit, path), count).FetchAsync(metadata, cancellationToken).ConfigureAwait(false);
        count.Complete();
        return pointer;
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _connection.Dispose();

    private async Task<FileMetadata> LookUpAsync(RepositoryFolder folder, HubSubject subject, CancellationToken cancellationToken)
    {
        try
        {
            return await Download(subject, new ProgressCount(null, 0, 0)).LookUpAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (HubException e) when (e is { Problem: HubProblem.FileNotFound, Commit: { } commit } && RepositoryPath.IsCommit(commit))
        {
            folder.MarkAbsent(commit, subject.File!);
            folder.WriteReference(subject.Revision, commit);
            throw;
        }
    }

    private FileDownload Download(HubSubject subject, ProgressCount count) => new(_connection, Cache.Of(subject.Id), Options.StallTimeout, _time, subject, count);

    private void CheckRoom(RepositoryFolder folder, IEnumerable<(string Tag, long Size)> files)
    {
        var needed = files.DistinctBy(file => file.Tag).Sum(file => RepositoryFolder.Content(folder.Blob(file.Tag)) is not null
            ? 0
            : file.Size - (RepositoryFolder.Content(folder.Partial(file.Tag))?.Length ?? 0));
        if (FreeSpace(folder.Root) is { } free && free < needed)
        {
            throw new HubException(
                HubProblem.DiskFull, $"{Gigabytes(needed)} are to be downloaded to {Cache.Folder}, whose disk has {Gigabytes(free)} left: free some room or let HF_HUB_CACHE name another place.");
        }
    }

    private HubException NotCached(HubModelId id, string revision, string? file = null) => new(
        HubProblem.NotCached,
        $"{(file is null ? "" : $"{file} of ")}{id} at revision {revision} is not in the cache {Cache.Folder}, and HF_HUB_OFFLINE keeps it from being downloaded: unset it, or copy the model there{id.Hint}.");

    private static string Gigabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.###} GB");
}
