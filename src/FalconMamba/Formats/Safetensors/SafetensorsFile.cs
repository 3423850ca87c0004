namespace FalconMamba.Formats.Safetensors;

/// <summary>
/// An open safetensors file: its tensors in place in the mapping, its metadata. The specification is enforced to the
/// letter: the ranges cover the data exactly, once, without a gap.
/// </summary>
/// <remarks>Format: https://github.com/huggingface/safetensors, "Format".</remarks>
public sealed class SafetensorsFile : IDisposable
{
    private readonly MappedFile _file;

    private SafetensorsFile(MappedFile file, SafetensorsHeader header)
    {
        _file = file;
        Tensors = header.Tensors;
        InFileOrder = header.InFileOrder;
        Metadata = header.Metadata;
    }

    /// <summary>The path the file was opened by.</summary>
    public string Path => _file.Path;

    /// <summary>The file's length in bytes, header included.</summary>
    public long Length => _file.Length;

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors { get; }

    /// <summary>The tensors in the order of their bytes, which is the order to read them from a disk.</summary>
    public IReadOnlyList<Tensor> InFileOrder { get; }

    /// <summary>The header's <c>__metadata__</c>; empty where there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Maps a file and checks all of its header; the tensors' bytes are not read.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="MalformedFileException">The file is not valid safetensors.</exception>
    /// <exception cref="IOException">The file is missing or cannot be mapped.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read, or is a folder.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = MappedFile.Open(path);
        try
        {
            return new SafetensorsFile(file, SafetensorsHeader.Read(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Unmaps the file; its tensors can no longer be read.</summary>
    public void Dispose() => _file.Dispose();
}
