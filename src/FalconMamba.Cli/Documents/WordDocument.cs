using System.IO.Compression;
using DocumentFormat.OpenXml;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Wordprocessing;

namespace FalconMamba.Cli.Documents;

/// <summary>The text of a Word document, a line a paragraph.</summary>
internal static class WordDocument
{
    /// <summary>Adds the text of a file.</summary>
    /// <param name="text">Where to.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="CommandException">It holds too much, or no document.</exception>
    public static void AddTo(DocumentText text, string path)
    {
        using (var zip = ZipFile.OpenRead(path)) ZipBounds.Check(zip, path);
        using var document = WordprocessingDocument.Open(path, isEditable: false);
        if (document.MainDocumentPart is not { } part) throw new CommandException($"{path} holds no Word document: give a .docx file.");
        using var reader = OpenXmlReader.Create(part);
        for (var isRead = reader.Read(); isRead;)
        {
            // The same again for programs that know no drawings.
            if (reader.ElementType == typeof(AlternateContentFallback) && reader.IsStartElement)
            {
                reader.Skip();
                isRead = !reader.EOF;
                continue;
            }

            if (reader.IsEndElement)
            {
                if (reader.ElementType == typeof(Paragraph)) text.Break(1);
            }
            else if (reader.ElementType == typeof(Text)) text.AppendExact(reader.GetText());
            else if (reader.ElementType == typeof(TabChar)) text.AppendExact("\t");
            else if (reader.ElementType == typeof(Break) || reader.ElementType == typeof(CarriageReturn)) text.Break(1);
            isRead = reader.Read();
        }
    }
}
