using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text.Json;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Tokenization;

/// <summary>The tokenizers of the fixtures and the rows of their golden files.</summary>
internal static class TokenizerFixtures
{
    public const string Tokenizers = "tokenizers";
    public const string Goldens = "tokenizers/goldens";

    private static readonly ConcurrentDictionary<string, Lazy<Tokenizer>> Loaded = new();

    /// <summary>The tokenizer of a folder below <c>tokenizers</c>; a set of cases alone uses the repository's tokenizers.</summary>
    public static Tokenizer Named(string name) => Loaded.GetOrAdd(name, static name => new Lazy<Tokenizer>(() =>
    {
        var file = Find(Path.Combine(name, "tokenizer.json.gz"));
        return Load(file, TokenizerConfig.FromFolder(Path.GetDirectoryName(file)!));
    })).Value;

    /// <summary>A file below <c>tokenizers</c>, in the set of cases or else in the repository.</summary>
    public static string Find(string path) => new[] { FixtureFolder.Root, Path.Combine(FixtureFolder.Repository, "tests", "fixtures") }
        .Select(root => Path.Combine(root, Tokenizers, path))
        .First(File.Exists);

    /// <summary>Reads a <c>tokenizer.json</c>, through gzip if its name ends so.</summary>
    public static Tokenizer Load(string path, TokenizerConfig? config = null)
    {
        using Stream file = File.OpenRead(path);
        using var json = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
        return Tokenizer.Parse(json, path, config);
    }

    /// <summary>Lists the rows of a folder's files <c>[tokenizer.]kind.jsonl[.gz]</c>, each with the tokenizer's name.</summary>
    public static IEnumerable<(string Name, GoldenRow Case)> Rows(string folder, string kind)
    {
        foreach (var path in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
        {
            var parts = Path.GetFileName(path).Split('.');
            var at = Array.IndexOf(parts, kind);
            if (at < 0 || at + 1 >= parts.Length || parts[at + 1] != "jsonl") continue;
            var number = 0;
            foreach (var line in FixtureFolder.ReadLines(path))
            {
                using var row = JsonDocument.Parse(line);
                yield return ($"{Path.GetFileName(path)}:{++number}", new GoldenRow(string.Join('.', parts[..at]), row.RootElement.Clone()));
            }
        }
    }

    /// <summary>Every tokenizer.json below a folder, whatever stands before that name.</summary>
    public static IEnumerable<(string Name, string Path)> Files(string folder) =>
        Directory.EnumerateFiles(folder, "*tokenizer.json*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path => (path, path));
}

/// <summary>A row of a golden file.</summary>
internal sealed record GoldenRow(string FileTokenizer, JsonElement Element)
{
    public string Text(string key) => Element.GetProperty(key).GetString()!;

    public int[] Ids(string key = "ids") => Ints(Element.GetProperty(key));

    public int[][] Rows(string key) => [.. Element.GetProperty(key).EnumerateArray().Select(Ints)];

    public string[] Texts(string key) => [.. Element.GetProperty(key).EnumerateArray().Select(static text => text.GetString() ?? "")];

    public Tokenizer Tokenizer => TokenizerFixtures.Named(
        Element.TryGetProperty("tokenizer", out var name) ? name.GetString()! : FileTokenizer);

    private static int[] Ints(JsonElement array) => [.. array.EnumerateArray().Select(static value => value.GetInt32())];
}
