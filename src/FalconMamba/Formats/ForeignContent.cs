using System.Text;

namespace FalconMamba.Formats;

/// <summary>
/// Recognises what is often saved under a weight file's name instead of the weights, so that the error can say what
/// to do.
/// </summary>
internal static class ForeignContent
{
    private const int ProbeBytes = 256;

    /// <summary>What the file is instead of the wanted format and what helps, or null if it is nothing known.</summary>
    public static string? Describe(MappedFile file, string wanted)
    {
        var start = file.Slice(0, (int)Math.Min(ProbeBytes, file.Length));
        if (start.StartsWith("version https://git-lfs"u8))
            return "weights were expected, this is a Git LFS pointer to them: fetch the file itself, for example with 'git lfs pull'";
        if (start.StartsWith("GGUF"u8)) return $"{wanted} was expected, this is a GGUF file";
        if (start.StartsWith("PK\u0003\u0004"u8)) return $"{wanted} was expected, this is a zip archive such as a PyTorch checkpoint: convert it to safetensors";
        var text = Encoding.Latin1.GetString(start).TrimStart();
        if (text.StartsWith("<!doctype", StringComparison.OrdinalIgnoreCase) || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase))
            return "weights were expected, this is an HTML page, probably an error or sign-in page saved by a download: fetch the file again";
        return null;
    }
}
