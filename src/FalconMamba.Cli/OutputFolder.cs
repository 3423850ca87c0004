namespace FalconMamba.Cli;

/// <summary>The folder that a command fills with a checkpoint; what it made of it is taken away again if it fails.</summary>
internal sealed class OutputFolder
{
    private readonly bool _wasThere, _wasEmpty;

    /// <summary>Checks the folder and makes it.</summary>
    /// <param name="path">Must not be there, or be empty, unless forced.</param>
    /// <param name="force">Whether files may be replaced.</param>
    /// <param name="bytes">How much is going to be written.</param>
    /// <exception cref="CommandException">There are files in it, or the disk has no room.</exception>
    public OutputFolder(string path, bool force, long bytes)
    {
        if (path.Length == 0) throw new UsageException("OUT is empty.");
        if (File.Exists(path)) throw new CommandException($"{path} is a file: name a folder to write.");
        _wasThere = Directory.Exists(path);
        _wasEmpty = !_wasThere || !Directory.EnumerateFileSystemEntries(path).Any();
        if (!_wasEmpty && !force) throw new CommandException($"{path} is not empty: name another folder, or use --force to replace the model in it.");
        OutputFile.CheckRoom(path, bytes);
        FullName = Directory.CreateDirectory(path).FullName;
    }

    /// <summary>The folder's full path.</summary>
    public string FullName { get; }

    /// <summary>Fills the folder, and leaves no half of a model in it if that fails.</summary>
    public void Fill(Action<string> write)
    {
        try
        {
            write(FullName);
        }
        catch
        {
            // What was there before is not ours to take away.
            if (!_wasThere) Directory.Delete(FullName, recursive: true);
            else if (_wasEmpty) foreach (var file in Directory.EnumerateFiles(FullName)) File.Delete(file);
            throw;
        }
    }
}
