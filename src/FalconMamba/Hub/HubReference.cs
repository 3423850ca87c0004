using System.Diagnostics.CodeAnalysis;

namespace FalconMamba.Hub;

/// <summary>A model on the hub as a user names it: <c>owner/name</c>, <c>owner/name@revision</c>, <c>owner/name/file.gguf</c>.</summary>
/// <param name="Id">The model.</param>
/// <param name="Revision">The branch, tag or commit; null where none is given.</param>
/// <param name="File">The file in the repository; null for the model as a whole.</param>
public sealed record HubReference(HubModelId Id, string? Revision, string? File)
{
    /// <summary>The words to give to <c>pull</c>.</summary>
    public string PullArguments => $"{Id}{(Revision is null ? "" : $" --revision {Revision}")}{(File is null ? "" : $" --include {File}")}";

    /// <summary>Reads a reference if the text is one.</summary>
    /// <param name="text">The text.</param>
    /// <param name="reference">The reference.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out HubReference? reference)
    {
        ArgumentNullException.ThrowIfNull(text);
        reference = null;
        string? file = null, revision = null;
        var parts = text.Split('/');
        if (parts.Length > 2 && text.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && parts.All(part => part is not ("" or "." or "..")))
        {
            file = string.Join('/', parts[2..]);
            text = $"{parts[0]}/{parts[1]}";
        }

        if (text.IndexOf('@', StringComparison.Ordinal) is > 0 and var at)
        {
            revision = text[(at + 1)..];
            text = text[..at];
        }

        if (revision is "" || !HubModelId.TryParse(text, out var id)) return false;
        reference = new HubReference(id, revision, file);
        return true;
    }

    /// <summary>What is loaded of a snapshot.</summary>
    /// <param name="revision">The snapshot.</param>
    public string PathIn(CachedRevision revision)
    {
        ArgumentNullException.ThrowIfNull(revision);
        return File is null ? revision.ModelPath : Path.Combine(revision.Folder, File);
    }
}
