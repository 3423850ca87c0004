using System.IO.Compression;
using System.Text;
using DocumentFormat.OpenXml;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Wordprocessing;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Fonts.Standard14Fonts;
using UglyToad.PdfPig.Writer;

namespace FalconMamba.Cli.Tests;

/// <summary>Documents of every kind, whole and damaged.</summary>
internal static class TestDocuments
{
    /// <summary>A PDF file with a line a page.</summary>
    public static string Pdf(string path, params string[] pages)
    {
        var builder = new PdfDocumentBuilder();
        var font = builder.AddStandard14Font(Standard14Font.Helvetica);
        foreach (var page in pages) builder.AddPage(UglyToad.PdfPig.Content.PageSize.A4).AddText(page, 12, new PdfPoint(50, 700), font);
        File.WriteAllBytes(path, builder.Build());
        return path;
    }

    /// <summary>A Word document with these paragraphs.</summary>
    public static string Word(string path, params OpenXmlElement[] paragraphs)
    {
        using var document = WordprocessingDocument.Create(path, WordprocessingDocumentType.Document);
        document.AddMainDocumentPart().Document = new Document(new Body(paragraphs));
        return path;
    }

    /// <summary>A zip file with these texts.</summary>
    public static string Zip(string path, params (string Name, string Text)[] entries)
    {
        using var zip = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        foreach (var (name, text) in entries)
        {
            using var stream = zip.CreateEntry(name).Open();
            stream.Write(Encoding.UTF8.GetBytes(text));
        }

        return path;
    }

    /// <summary>A book of two chapters, the second one first in the zip.</summary>
    public static string Book(string path, string chapters = """<itemref idref="one"/><itemref idref="two"/>""") => Zip(
        path,
        ("META-INF/container.xml", """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>"""),
        ("OEBPS/book.opf", $"""<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="two" href="b.xhtml"/><item id="one" href="text/a%20b.xhtml#top"/></manifest><spine>{chapters}</spine></package>"""),
        ("OEBPS/b.xhtml", "<html><body><p>It was over.</p></body></html>"),
        ("OEBPS/text/a b.xhtml", "<html><head><title>no</title></head><body><h1>One</h1><p>It was  a\n dark night.</p></body></html>"));
}
