using System.IO.Compression;

namespace FalconMamba.Cli.Documents;

/// <summary>What a zip file with a document in it may hold.</summary>
internal static class ZipBounds
{
    private const int MostEntries = 20_000;
    private const long MostTextBytes = 256 << 20;

    private static readonly string[] Text = [".xml", ".rels", ".opf", ".ncx", ".html", ".htm", ".xhtml"];

    /// <summary>Refuses a file that would unfold to more text than any document has; no reader gives more than what is stated.</summary>
    /// <exception cref="CommandException">It would.</exception>
    /// <exception cref="InvalidDataException">It is no zip file.</exception>
    public static void Check(ZipArchive zip, string path)
    {
        if (zip.Entries.Count > MostEntries) throw new CommandException($"{path} holds {Units.Digits(zip.Entries.Count)} files, a document has {Units.Digits(MostEntries)} at most: unpack it and give its texts.");
        var bytes = zip.Entries.Where(entry => Text.Contains(Path.GetExtension(entry.Name), StringComparer.OrdinalIgnoreCase)).Sum(entry => (decimal)entry.Length);
        if (bytes > MostTextBytes) throw new CommandException($"{path} would unfold to more than {Units.Bytes(MostTextBytes)} of text: unpack it and give a part.");
    }
}
