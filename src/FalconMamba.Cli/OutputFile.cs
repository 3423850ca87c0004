namespace FalconMamba.Cli;

/// <summary>A file that a command is going to write.</summary>
internal static class OutputFile
{
    /// <summary>Refuses a target that cannot be written, before the work for it is done.</summary>
    /// <exception cref="UsageException">The name is empty.</exception>
    /// <exception cref="CommandException">The folder is missing, or the target is a folder.</exception>
    public static string Check(string path)
    {
        if (path.Length == 0) throw new UsageException("The name of the file to write is empty.");
        if (Directory.Exists(path)) throw new CommandException($"{path} is a folder: name a file to write.");
        var folder = Path.GetDirectoryName(Path.GetFullPath(path));
        return Directory.Exists(folder) ? path : throw new CommandException($"{path} cannot be written, there is no folder {folder}: make it first.");
    }

    /// <summary>Refuses a large target that is there already, unless forced, or that the disk has no room for.</summary>
    /// <inheritdoc cref="Check(string)"/>
    public static string Check(string path, bool force, long bytes)
    {
        Check(path);
        if (File.Exists(path) && !force) throw new CommandException($"{path} is there already: name another file, or use --force to replace it.");
        CheckRoom(path, bytes);
        return path;
    }

    /// <summary>Refuses what the disk has no room for.</summary>
    /// <exception cref="CommandException">It has not.</exception>
    public static void CheckRoom(string path, long bytes)
    {
        var parent = Path.GetDirectoryName(Path.GetFullPath(path)) ?? path;
        while (!Directory.Exists(parent)) parent = Path.GetDirectoryName(parent)!;
        if (new DriveInfo(parent).AvailableFreeSpace is var free && free < bytes)
            throw new CommandException($"{path} would take {Units.Bytes(bytes)} and the disk has {Units.Bytes(free)} left: free some or name another place.");
    }
}
