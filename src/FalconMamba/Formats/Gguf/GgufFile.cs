namespace FalconMamba.Formats.Gguf;

/// <summary>
/// An open GGUF file of version 2 or 3: its metadata, its tensors in place in the mapping. The whole header is checked when
/// the file is opened; the tensors' bytes are not read.
/// </summary>
/// <remarks>Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.</remarks>
public sealed class GgufFile : IDisposable
{
    private readonly MappedFile _file;

    private GgufFile(MappedFile file, GgufHeader header)
    {
        _file = file;
        Version = header.Version;
        Alignment = header.Alignment;
        DataStart = header.DataStart;
        Metadata = header.Metadata;
        Tensors = header.Tensors;
    }

    /// <summary>The path the file was opened by.</summary>
    public string Path => _file.Path;

    /// <summary>The file's length in bytes, header included.</summary>
    public long Length => _file.Length;

    /// <summary>The version of the format, 2 or 3.</summary>
    public int Version { get; }

    /// <summary>What the data's start and every tensor's place in it are multiples of.</summary>
    public int Alignment { get; }

    /// <summary>The byte of the file that tensors' offsets count from.</summary>
    public long DataStart { get; }

    /// <summary>The metadata by key, in the file's order.</summary>
    public IReadOnlyDictionary<string, GgufValue> Metadata { get; }

    /// <summary>The tensors by name, in the order of the file's table. Shapes are outermost first, unlike in the file.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors { get; }

    /// <summary>Maps a file and checks all of its header.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="MalformedFileException">The file is not valid GGUF.</exception>
    /// <exception cref="IOException">The file is missing or cannot be mapped.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read, or is a folder.</exception>
    public static GgufFile Open(string path)
    {
        var file = MappedFile.Open(path);
        try
        {
            return new GgufFile(file, GgufHeader.Read(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Unmaps the file; its tensors and metadata can no longer be read.</summary>
    public void Dispose() => _file.Dispose();
}
