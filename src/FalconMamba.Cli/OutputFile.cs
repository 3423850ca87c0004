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
}
