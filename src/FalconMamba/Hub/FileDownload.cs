using System.Buffers;
using System.Net;

namespace FalconMamba.Hub;

/// <summary>
/// Brings one file into the cache: in parts if need be, each going on where the last one stopped, checked by its hash, and moved
/// to its name only when it is whole.
/// </summary>
internal sealed class FileDownload
{
    private const int BufferBytes = 1 << 18;

    private readonly HubConnection _connection;
    private readonly RepositoryFolder _folder;
    private readonly TimeSpan _stallTimeout;
    private readonly TimeProvider _time;
    private readonly HubSubject _subject;
    private readonly ProgressCount _progress;

    /// <param name="connection">To the hub.</param>
    /// <param name="folder">The model's folder in the cache.</param>
    /// <param name="stallTimeout">How long a connection may give nothing.</param>
    /// <param name="time">For waiting.</param>
    /// <param name="subject">The file, and the revision to look for it in.</param>
    /// <param name="progress">Told of bytes.</param>
    public FileDownload(HubConnection connection, RepositoryFolder folder, TimeSpan stallTimeout, TimeProvider time, HubSubject subject, ProgressCount progress)
    {
        _connection = connection;
        _folder = folder;
        _stallTimeout = stallTimeout;
        _time = time;
        _subject = subject;
        _progress = progress;
    }

    private string Path => _subject.File!;

    /// <summary>Asks the hub which content the file has and where it is.</summary>
    /// <exception cref="HubException">There is no such file, or no answer.</exception>
    public Task<FileMetadata> LookUpAsync(CancellationToken cancellationToken)
    {
        var path = string.Join('/', Path.Split('/').Select(Uri.EscapeDataString));
        var address = _connection.AddressOf($"{_subject.Id}/resolve/{Uri.EscapeDataString(_subject.Revision)}/{path}");
        return Backoff.RunAsync(
            _time,
            async () =>
            {
                using var response = await _connection.HeadAsync(address, _subject, FileMetadata.IsComplete, cancellationToken).ConfigureAwait(false);
                return FileMetadata.Of(response);
            },
            cancellationToken);
    }

    /// <summary>Fetches the content unless it is there, and links to it.</summary>
    /// <returns>The file in the snapshot.</returns>
    /// <exception cref="HubException">The content cannot be had.</exception>
    public async Task<string> FetchAsync(FileMetadata file, CancellationToken cancellationToken)
    {
        _folder.Prepare(file.Commit, Path);
        using (await CacheLock.TakeAsync(_folder.Lock(file.Tag), _time, cancellationToken).ConfigureAwait(false))
        {
            var isNew = RepositoryFolder.Content(_folder.Blob(file.Tag))?.Length != file.Size;
            if (isNew) await ReceiveAsync(file, cancellationToken).ConfigureAwait(false);
            else _progress.Add(file.Size);
            _folder.Link(file.Tag, file.Commit, Path, isNew);
        }

        return _folder.Pointer(file.Commit, Path);
    }

    private async Task ReceiveAsync(FileMetadata file, CancellationToken cancellationToken)
    {
        var partialPath = _folder.Partial(file.Tag);
        try
        {
            await using var partial = new FileStream(partialPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0, useAsync: true);
            using var hash = new ContentHash(file.Tag, file.Size);
            if (partial.Length > file.Size) partial.SetLength(0);
            _progress.Add(partial.Length);
            if (!await TryCompleteAsync(partial, hash, file, cancellationToken).ConfigureAwait(false))
            {
                // What is wrong may have been here before, or have come from a cache on the way.
                Restart(partial, hash);
                if (!await TryCompleteAsync(partial, hash, file, cancellationToken).ConfigureAwait(false))
                {
                    Restart(partial, hash);
                    throw new HubException(
                        HubProblem.Damaged, $"{Path} of {_subject.Id} came damaged twice, its hash is not {file.Tag}: run this again later, or from another network.");
                }
            }

            partial.Flush(flushToDisk: true);
        }
        catch (IOException e) when (DiskSpace.IsFull(e))
        {
            throw new HubException(
                HubProblem.DiskFull, $"The disk became full while {Path} of {_subject.Id} was written: free some room or let HF_HUB_CACHE name another place, then run this again, it goes on where it stopped.", e);
        }
        catch (HubException e) when (e.Problem == HubProblem.Damaged)
        {
            File.Delete(partialPath);
            throw;
        }

        File.Move(partialPath, _folder.Blob(file.Tag), overwrite: true);
    }

    /// <summary>Goes on until all bytes are here.</summary>
    /// <returns>Whether they are the right ones.</returns>
    private async Task<bool> TryCompleteAsync(FileStream partial, ContentHash hash, FileMetadata file, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(_time);
        while (partial.Length < file.Size)
        {
            var before = partial.Length;
            try
            {
                await ReceivePartAsync(partial, hash, file, cancellationToken).ConfigureAwait(false);
            }
            catch (HubException e) when (e.IsTransient)
            {
                if (partial.Length > before) backoff.Reset();
                await backoff.WaitAsync(e, cancellationToken).ConfigureAwait(false);
                if (!_connection.IsHub(file.Location)) file = file with { Location = (await LookUpAsync(cancellationToken).ConfigureAwait(false)).Location };
            }
        }

        await CatchUpAsync(partial, hash, cancellationToken).ConfigureAwait(false);
        return hash.Matches();
    }

    private async Task ReceivePartAsync(FileStream partial, ContentHash hash, FileMetadata file, CancellationToken cancellationToken)
    {
        using var response = await _connection.GetAsync(file.Location, _subject, partial.Length, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            Restart(partial, hash);
            throw new HubException(HubProblem.BadAnswer, $"{file.Location.Authority} does not give {Path} of {_subject.Id} (416): run this again later.") { IsTransient = true };
        }

        // A server that knows no ranges sends all from the start.
        if (response.StatusCode != HttpStatusCode.PartialContent || response.Content.Headers.ContentRange?.From != partial.Length) Restart(partial, hash);
        if (response.StatusCode == HttpStatusCode.PartialContent && (response.Content.Headers.ContentRange?.From ?? 0) != partial.Length)
            throw new HubException(HubProblem.BadAnswer, $"{file.Location.Authority} sends another part of {Path} of {_subject.Id} than it was asked for: run this again later.") { IsTransient = true };
        await CatchUpAsync(partial, hash, cancellationToken).ConfigureAwait(false);

        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        using var stall = new StallGuard(_stallTimeout, _time, cancellationToken);
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            for (int read; (read = await ReadAsync(body, buffer, file, stall, cancellationToken).ConfigureAwait(false)) > 0;)
            {
                if (partial.Length + read > file.Size)
                    throw new HubException(HubProblem.Damaged, $"{Path} of {_subject.Id} is longer than the {file.Size} bytes that the hub says: run this again later.");
                await partial.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                hash.Append(buffer.AsSpan(0, read));
                _progress.Add(read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (partial.Length < file.Size) throw _subject.Broken(file.Location, new EndOfStreamException());
    }

    private async Task<int> ReadAsync(Stream body, byte[] buffer, FileMetadata file, StallGuard stall, CancellationToken cancellationToken)
    {
        try
        {
            stall.Touch();
            return await body.ReadAsync(buffer, stall.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (StallGuard.IsBroken(e, cancellationToken))
        {
            throw _subject.Broken(file.Location, e);
        }
    }

    private void Restart(FileStream partial, ContentHash hash)
    {
        hash.Restart();
        if (partial.Length == 0) return;
        _progress.Add(-partial.Length);
        partial.SetLength(0);
    }

    // What an earlier run left was not hashed by this one.
    private static async Task CatchUpAsync(FileStream partial, ContentHash hash, CancellationToken cancellationToken)
    {
        if (hash.Length != partial.Length)
        {
            hash.Restart();
            partial.Position = 0;
            var buffer = new byte[BufferBytes];
            for (int read; (read = await partial.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;) hash.Append(buffer.AsSpan(0, read));
        }

        partial.Position = partial.Length;
    }
}
