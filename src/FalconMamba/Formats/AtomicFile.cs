namespace FalconMamba.Formats;

/// <summary>Writes a file so that its name shows either the old content or all of the new one, never a part.</summary>
internal static class AtomicFile
{
    private const int BufferBytes = 1 << 16;

    /// <summary>
    /// Writes beside the target, flushes to the disk, then renames over it. If <paramref name="write"/> throws, the old
    /// file stays as it was and nothing is left beside it.
    /// </summary>
    /// <exception cref="IOException">The folder is missing, the disk is full, or the target cannot be replaced.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var target = Path.GetFullPath(path);
        var temporary = $"{target}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferBytes))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            // The first error is the one to tell; a leftover that cannot be deleted is the lesser trouble.
            try { File.Delete(temporary); }
            catch (IOException) { }
            catch (UnauthorizedAccessException) { }

            throw;
        }
    }
}
