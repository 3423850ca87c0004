using UglyToad.PdfPig.DocumentLayoutAnalysis.TextExtractor;
using UglyToad.PdfPig.Exceptions;
using Pdf = UglyToad.PdfPig.PdfDocument;

namespace FalconMamba.Cli.Documents;

/// <summary>The text of a PDF file, page by page.</summary>
internal static class PdfDocument
{
    // Where readers look for the mark of the end.
    private const int EndBytes = 2048;

    /// <summary>Adds the text of a file.</summary>
    /// <param name="text">Where to.</param>
    /// <param name="path">The file.</param>
    /// <param name="progress">Told pages and their number.</param>
    /// <exception cref="CommandException">The file is cut short, or needs a password.</exception>
    public static void AddTo(DocumentText text, string path, Action<int, int> progress)
    {
        CheckEnd(path);
        try
        {
            using var document = Pdf.Open(path);
            for (var page = 1; page <= document.NumberOfPages; page++)
            {
                foreach (var line in ContentOrderTextExtractor.GetText(document.GetPage(page)).EnumerateLines())
                {
                    text.Append(line);
                    text.Break(1);
                }

                text.Break(2);
                progress(page, document.NumberOfPages);
            }
        }
        catch (PdfDocumentEncryptedException)
        {
            throw new CommandException($"{path} needs a password: save a copy without one.");
        }
    }

    // The library repairs what it can, and would give a part of such a file for the whole.
    private static void CheckEnd(string path)
    {
        using var file = File.OpenRead(path);
        var end = new byte[Math.Min(EndBytes, file.Length)];
        file.Seek(-end.Length, SeekOrigin.End);
        file.ReadExactly(end);
        if (end.AsSpan().IndexOf("%%EOF"u8) < 0) throw new CommandException($"{path} is no whole PDF file, its end mark is missing: get it anew.");
    }
}
