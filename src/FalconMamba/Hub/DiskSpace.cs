namespace FalconMamba.Hub;

/// <summary>Whether there is room for what is to be written.</summary>
internal static class DiskSpace
{
    // ENOSPC and EDQUOT of Linux, EDQUOT of macOS, and Windows' two errors of a full disk.
    private const int NoSpace = 28, LinuxQuota = 122, MacQuota = 69, WindowsDiskFull = unchecked((int)0x80070070), WindowsHandleDiskFull = unchecked((int)0x80070027);

    /// <summary>The free bytes of the disk that a folder, which may not be there yet, is on; null where the system does not tell.</summary>
    public static long? Free(string folder)
    {
        try
        {
            var present = Path.GetFullPath(folder);
            while (!Directory.Exists(present)) present = Path.GetDirectoryName(present)!;
            return new DriveInfo(present).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Whether writing failed because the disk is full.</summary>
    public static bool IsFull(IOException e) => e.HResult is NoSpace or LinuxQuota or MacQuota or WindowsDiskFull or WindowsHandleDiskFull;
}
