using System.Text;
using System.Text.Json;
using FalconMamba.Formats;

namespace FalconMamba.Hub;

/// <summary>
/// The list of a commit's files, in the format and the very bytes of the Python client: a commit never changes, so its list is
/// kept.
/// </summary>
internal static class TreeFile
{
    private const int FormatVersion = 1;

    // A list of a hundred thousand files; models have dozens.
    private const int LongestFile = 1 << 25;

    /// <summary>Reads a list; null if there is none that can be understood, for it can be asked for again.</summary>
    public static IReadOnlyList<HubFile>? Read(string path)
    {
        try
        {
            if (!File.Exists(path) || new FileInfo(path).Length > LongestFile) return null;
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            return json.RootElement.GetProperty("format_version").GetInt32() == FormatVersion
                ? [.. json.RootElement.GetProperty("files").EnumerateObject().Select(file => new HubFile(
                    RepositoryPath.CheckFile(file.Name),
                    file.Value.GetProperty("size").GetInt64(),
                    RepositoryPath.CheckTag(file.Value.GetProperty("blob_id").GetString()),
                    file.Value.TryGetProperty("lfs_sha256", out var sha256) ? RepositoryPath.CheckTag(sha256.GetString()) : null))]
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Writes a list.</summary>
    public static void Write(string path, IEnumerable<HubFile> files)
    {
        var text = new StringBuilder($"{{\n \"format_version\": {FormatVersion},\n \"files\": {{");
        var separator = "";
        foreach (var file in files.OrderBy(file => file.Path, StringComparer.Ordinal))
        {
            text.Append($"{separator}\n  {Quoted(file.Path)}: {{\n   \"size\": {file.Size},\n   \"blob_id\": {Quoted(file.BlobId)}");
            if (file.Sha256 is not null) text.Append($",\n   \"lfs_sha256\": {Quoted(file.Sha256)},\n   \"lfs_size\": {file.Size}");
            text.Append("\n  }");
            separator = ",";
        }

        text.Append(separator.Length > 0 ? "\n }\n}" : "}\n}");
        AtomicFile.Write(path, stream => stream.Write(Encoding.ASCII.GetBytes(text.ToString())));
    }

    // Python escapes all that is not ASCII, with small digits; .NET's encoder does otherwise.
    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            quoted.Append(c switch
            {
                '"' or '\\' => $"\\{c}",
                < ' ' or > '~' => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }
}
