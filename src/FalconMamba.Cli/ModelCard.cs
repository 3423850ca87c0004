using FalconMamba.Formats.Gguf;

namespace FalconMamba.Cli;

/// <summary>What a model's folder says of itself beside its weights.</summary>
internal static class ModelCard
{
    private const string NotStated = "not stated";

    // Front matter takes a few lines; a card may be long.
    private const int MostLines = 1000, LongestValue = 200;

    /// <summary>The licence: from a GGUF file's metadata or the front matter of README.md, else that there is a file LICENSE, else "not stated".</summary>
    public static string Licence(string path, GgufFile? gguf)
    {
        if (gguf is not null) return gguf.Metadata.TryGetValue("general.license", out var value) ? value.ToString() : NotStated;
        var readme = Path.Combine(path, "README.md");
        if (File.Exists(readme) && FromFrontMatter(File.ReadLines(readme)) is { } licence) return licence;
        return Directory.EnumerateFiles(path).Select(file => Path.GetFileName(file))
            .FirstOrDefault(name => Path.GetFileNameWithoutExtension(name).ToUpperInvariant() is "LICENSE" or "LICENCE") is { } name ? $"see {name}" : NotStated;
    }

    private static string? FromFrontMatter(IEnumerable<string> lines)
    {
        string? licence = null, name = null;
        var number = 0;
        foreach (var line in lines.Take(MostLines))
        {
            if (number++ == 0)
            {
                if (line.Trim() != "---") return null;
                continue;
            }

            if (line.Trim() == "---") return licence is null or "other" ? name ?? licence : licence;
            if (line.StartsWith("license:", StringComparison.Ordinal)) licence = Value(line);
            if (line.StartsWith("license_name:", StringComparison.Ordinal)) name = Value(line);
        }

        return null;
    }

    private static string? Value(string line)
    {
        var value = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim().Trim('"', '\'');
        return value.Length is > 0 and <= LongestValue ? value : null;
    }
}
