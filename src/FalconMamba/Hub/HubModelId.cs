using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace FalconMamba.Hub;

/// <summary>
/// The name of a model on the hub: <c>owner/name</c>, or a <c>name</c> alone for the few oldest. The rules are those of the
/// Python client, so an id is also safe as a part of a path or an address.
/// </summary>
public sealed partial record HubModelId
{
    private const string FolderPrefix = "models--", Separator = "--";
    private const int LongestPart = 96;

    private HubModelId(string? owner, string name)
    {
        Owner = owner;
        Name = name;
    }

    /// <summary>The user or organisation; null for a name without one.</summary>
    public string? Owner { get; }

    /// <summary>The model's name.</summary>
    public string Name { get; }

    /// <summary>The model's folder in the cache, <c>models--owner--name</c>.</summary>
    public string FolderName => FolderPrefix + ToString().Replace("/", Separator, StringComparison.Ordinal);

    /// <summary>Ends a sentence about a model that cannot be had: a name alone is hardly ever what was meant.</summary>
    internal string Hint => Owner is null ? "; an id is written owner/name, but for the oldest models" : "";

    /// <summary>Reads an id.</summary>
    /// <exception cref="FormatException">The text is no id.</exception>
    public static HubModelId Parse(string text) => TryParse(text, out var id)
        ? id
        : throw new FormatException($"\"{text}\" is no name of a model on the hub: owner/name was expected, of letters, digits, '-', '_' and '.'.");

    /// <summary>Reads an id if the text is one.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out HubModelId? id)
    {
        var parts = (text ?? "").Split('/');
        id = parts.Length <= 2 && parts.All(IsPart) ? parts.Length == 2 ? new HubModelId(parts[0], parts[1]) : new HubModelId(null, parts[0]) : null;
        return id is not null;
    }

    /// <summary>The id that a folder of the cache is for, or null.</summary>
    public static HubModelId? FromFolderName(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (!folder.StartsWith(FolderPrefix, StringComparison.Ordinal)) return null;
        return TryParse(folder[FolderPrefix.Length..].Replace(Separator, "/", StringComparison.Ordinal), out var id) ? id : null;
    }

    /// <summary><c>owner/name</c>.</summary>
    public override string ToString() => Owner is null ? Name : $"{Owner}/{Name}";

    private static bool IsPart(string part) => part.Length <= LongestPart
        && Part().IsMatch(part)
        && !part.Contains(Separator, StringComparison.Ordinal)
        && !part.Contains("..", StringComparison.Ordinal)
        && !part.EndsWith(".git", StringComparison.Ordinal);

    [GeneratedRegex(@"\A[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\z")]
    private static partial Regex Part();
}
