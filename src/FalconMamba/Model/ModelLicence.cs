using FalconMamba.Formats.Gguf;

namespace FalconMamba.Model;

/// <summary>The licence that a model comes under: what its card says, and the texts that lie beside it.</summary>
public sealed record ModelLicence
{
    private const string CardName = "README.md", NameKey = "general.license", LongNameKey = "general.license.name", LinkKey = "general.license.link";

    // What a card says where the licence is none of the common ones; its name is then beside it.
    private const string Other = "other";

    // Front matter takes a few lines; a card may be long.
    private const int MostLines = 1000, LongestValue = 200;

    private static readonly string[] TextNames = ["LICENSE", "LICENCE", "COPYING"], SupplementNames = ["NOTICE", "USE_POLICY", "ACCEPTABLE_USE_POLICY"];

    /// <summary>The card's word, such as <c>apache-2.0</c> or <c>other</c>; null where there is none.</summary>
    public string? Identifier { get; init; }

    /// <summary>The name of a licence that is none of the common ones.</summary>
    public string? LongName { get; init; }

    /// <summary>The address of its text.</summary>
    public string? Link { get; init; }

    /// <summary>The files beside the model that hold licences, notices and conditions of use.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>The licence's name, or which file to see; null where nothing is stated.</summary>
    public string? Name => (Identifier is null or Other ? LongName ?? Identifier : Identifier) ?? (Files.FirstOrDefault(IsText) is { } file ? $"see {file}" : null);

    /// <summary>Name and address, "not stated" where there is neither.</summary>
    public override string ToString() => $"{Name ?? "not stated"}{(Link is null ? "" : $" ({Link})")}";

    /// <summary>Reads what a model says: a folder's card and files, or a GGUF file's metadata.</summary>
    /// <param name="path">The folder or the file.</param>
    /// <exception cref="MalformedFileException">The file is no GGUF file.</exception>
    /// <exception cref="IOException">Something cannot be read.</exception>
    public static ModelLicence Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) return ReadFolder(path);
        using var file = GgufFile.Open(path);
        return Read(file);
    }

    /// <summary>Reads a GGUF file's metadata.</summary>
    /// <param name="file">The file.</param>
    public static ModelLicence Read(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return new ModelLicence { Identifier = Text(NameKey), LongName = Text(LongNameKey), Link = Text(LinkKey) };

        string? Text(string key) => file.Metadata.TryGetValue(key, out var value) ? Bounded(value.ToString()) : null;
    }

    /// <summary>Adds the licence to the metadata of a GGUF file that is to be written.</summary>
    /// <param name="metadata">The metadata, without a licence so far.</param>
    public void WriteTo(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        if (Identifier is not null) metadata.Add(NameKey, Identifier);
        if (LongName is not null) metadata.Add(LongNameKey, LongName);
        if (Link is not null) metadata.Add(LinkKey, Link);
    }

    private static ModelLicence ReadFolder(string folder)
    {
        var card = Path.Combine(folder, CardName);
        var licence = File.Exists(card) ? FromFrontMatter(File.ReadLines(card)) : new ModelLicence();
        return licence with
        {
            Files = [.. Directory.EnumerateFiles(folder)
                .Select(file => Path.GetFileName(file))
                .Where(name => IsText(name) || Has(SupplementNames, name))
                .Order(StringComparer.Ordinal)],
        };
    }

    private static ModelLicence FromFrontMatter(IEnumerable<string> lines)
    {
        var licence = new ModelLicence();
        var number = 0;
        foreach (var line in lines.Take(MostLines))
        {
            if (number++ == 0 ? line.Trim() != "---" : line.Trim() == "---") return number == 1 ? new ModelLicence() : licence;
            licence = line.Split(':', 2) switch
            {
                ["license", var value] => licence with { Identifier = Value(value) },
                ["license_name", var value] => licence with { LongName = Value(value) },
                ["license_link", var value] => licence with { Link = Value(value) },
                _ => licence,
            };
        }

        // Without its end it is no front matter.
        return new ModelLicence();
    }

    private static bool IsText(string name) => Has(TextNames, name);

    private static bool Has(string[] names, string file) => names.Contains(Path.GetFileNameWithoutExtension(file), StringComparer.OrdinalIgnoreCase);

    private static string? Value(string text) => Bounded(text.Trim().Trim('"', '\''));

    private static string? Bounded(string text) => text.Length is > 0 and <= LongestValue && !text.Any(char.IsControl) ? text : null;
}
