namespace FalconMamba.Tokenization;

/// <summary>Reads small files whole, and refuses those that are no small files.</summary>
internal static class BoundedFile
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="MalformedFileException">The file is longer than <paramref name="maxBytes"/>.</exception>
    public static byte[] Read(string path, int maxBytes)
    {
        using var file = File.OpenRead(path);
        return Read(file, path, maxBytes);
    }

    /// <summary>Reads a stream to its end.</summary>
    /// <exception cref="MalformedFileException">The stream is longer than <paramref name="maxBytes"/>.</exception>
    public static byte[] Read(Stream stream, string fileName, int maxBytes)
    {
        using var content = new MemoryStream();
        var block = new byte[1 << 16];
        for (int read; (read = stream.Read(block)) > 0;)
        {
            if (content.Length + read > maxBytes)
                throw new MalformedFileException(fileName, $"byte {maxBytes}", "the end of the file was expected before here");
            content.Write(block, 0, read);
        }

        return content.ToArray();
    }
}
