namespace FalconMamba.Hub;

/// <summary>Adds up how far the files of one download are, each told by its own thread.</summary>
internal sealed class ProgressCount(IProgress<HubProgress>? progress, long totalBytes, int totalFiles)
{
    private readonly Lock _gate = new();
    private long _bytes;
    private int _files;

    /// <summary>More bytes are here, or fewer, where some have to come again.</summary>
    public void Add(long bytes) => Report(bytes, 0);

    /// <summary>One more file is complete.</summary>
    public void Complete() => Report(0, 1);

    // Reported inside the lock, so that it never goes backwards by chance.
    private void Report(long bytes, int files)
    {
        lock (_gate)
        {
            _bytes += bytes;
            _files += files;
            progress?.Report(new HubProgress(_bytes, totalBytes, _files, totalFiles));
        }
    }
}
