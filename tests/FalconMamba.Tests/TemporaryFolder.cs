namespace FalconMamba.Tests;

/// <summary>A folder of its own for one test, removed with everything in it at the end.</summary>
public sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("falcon-mamba-");

    /// <summary>The folder's full path.</summary>
    public string Root => _folder.FullName;

    /// <summary>The full path of a file in it.</summary>
    public string this[string name] => Path.Combine(Root, name);

    public void Dispose() => _folder.Delete(recursive: true);
}
