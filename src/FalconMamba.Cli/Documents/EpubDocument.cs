using System.IO.Compression;
using System.Xml;
using System.Xml.Linq;

namespace FalconMamba.Cli.Documents;

/// <summary>The text of an electronic book, chapter by chapter in reading order.</summary>
/// <remarks>Format: EPUB 3.3, "Open Container Format" and "Package document"; the same in EPUB 2 as far as it is used.</remarks>
internal static class EpubDocument
{
    private const string ContainerName = "META-INF/container.xml";

    private static readonly XNamespace Container = "urn:oasis:names:tc:opendocument:xmlns:container", Package = "http://www.idpf.org/2007/opf";

    /// <summary>Adds the text of a file.</summary>
    /// <param name="text">Where to.</param>
    /// <param name="path">The file.</param>
    /// <param name="progress">Told chapters and their number.</param>
    /// <exception cref="CommandException">It holds too much, or no book.</exception>
    public static void AddTo(DocumentText text, string path, Action<int, int> progress)
    {
        using var zip = ZipFile.OpenRead(path);
        ZipBounds.Check(zip, path);
        var packageName = (string?)Load(ContainerName).Descendants(Container + "rootfile").FirstOrDefault()?.Attribute("full-path") ?? throw NoBook();
        var package = Load(packageName);
        var names = package.Descendants(Package + "item")
            .Where(item => item.Attribute("id") is not null && item.Attribute("href") is not null)
            .GroupBy(item => item.Attribute("id")!.Value)
            .ToDictionary(items => items.Key, items => Resolve(packageName, items.First().Attribute("href")!.Value));
        var chapters = package.Descendants(Package + "itemref").Select(item => (string?)item.Attribute("idref")).ToArray();
        for (var i = 0; i < chapters.Length; i++)
        {
            if (chapters[i] is not { } id || !names.TryGetValue(id, out var name) || zip.GetEntry(name) is not { } entry)
                throw new CommandException($"{path} lacks a chapter that its contents name ({chapters[i] ?? "without a name"}): get it anew.");
            using var page = entry.Open();
            HtmlDocument.AddTo(text, page, path);
            text.Break(2);
            progress(i + 1, chapters.Length);
        }

        XDocument Load(string name)
        {
            using var stream = (zip.GetEntry(name) ?? throw NoBook()).Open();
            using var reader = XmlReader.Create(stream, new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore, XmlResolver = null });
            return XDocument.Load(reader);
        }

        CommandException NoBook() => new($"{path} holds no book: give an .epub file.");
    }

    /// <summary>The name in the zip of what another file in it refers to.</summary>
    private static string Resolve(string from, string reference)
    {
        var name = new Uri(new Uri(new Uri("zip:///"), from), reference.Split('#')[0]);
        return Uri.UnescapeDataString(name.AbsolutePath).TrimStart('/');
    }
}
