using System.Text;

namespace FalconMamba.Cli;

/// <summary>Reads texts that the user points at, exactly as they are, to the last line break.</summary>
internal static class TextInput
{
    private const int LongestBytes = 1 << 29;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Refuses a path where there is no file.</summary>
    /// <exception cref="CommandException">There is none.</exception>
    public static void Check(string path)
    {
        if (Directory.Exists(path)) throw new CommandException($"{path} is a folder: give a file.");
        if (!System.IO.File.Exists(path)) throw new CommandException($"{path} was not found: check the name.");
    }

    /// <summary>Reads a file of UTF-8 text.</summary>
    /// <exception cref="CommandException">There is no file, it is no UTF-8, or too long.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static string File(string path)
    {
        Check(path);
        using var file = System.IO.File.OpenRead(path);
        return Read(file, path);
    }

    /// <summary>Reads a stream of UTF-8 text to its end.</summary>
    /// <exception cref="CommandException">The text is no UTF-8, or too long.</exception>
    public static string Read(Stream stream, string name)
    {
        using var bytes = new MemoryStream();
        var block = new byte[1 << 16];
        for (int count; (count = stream.Read(block)) > 0;)
        {
            if (bytes.Length + count > LongestBytes) throw new CommandException($"{name} is longer than {LongestBytes} bytes: give a shorter text.");
            bytes.Write(block, 0, count);
        }

        try
        {
            return Strict.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
        }
        catch (DecoderFallbackException e)
        {
            throw new CommandException($"{name} is not UTF-8 text (byte {e.Index}): convert it first.");
        }
    }
}
