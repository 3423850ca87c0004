namespace FalconMamba.Cli.Documents;

/// <summary>The kinds of documents by the ends of their names; what is none of these is text.</summary>
internal static class DocumentFormats
{
    /// <summary>The names' ends, for the help.</summary>
    public const string Names = "txt, md, html, pdf, docx, epub";

    /// <summary>Whether the file's text is wrapped in something.</summary>
    public static bool IsWrapped(string path) => ExtensionOf(path) is ".html" or ".htm" or ".xhtml" or ".pdf" or ".docx" or ".epub";

    /// <summary>Takes the text out of a wrapped file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="progress">Told pages or chapters and their number.</param>
    /// <exception cref="CommandException">The file is damaged, too large, or no such document.</exception>
    public static string Unwrap(string path, Action<int, int> progress)
    {
        var text = new DocumentText(path);
        try
        {
            switch (ExtensionOf(path))
            {
                case ".pdf":
                    PdfDocument.AddTo(text, path, progress);
                    break;
                case ".docx":
                    WordDocument.AddTo(text, path);
                    break;
                case ".epub":
                    EpubDocument.AddTo(text, path, progress);
                    break;
                default:
                    using (var page = File.OpenRead(path)) HtmlDocument.AddTo(text, page, path);
                    break;
            }
        }
        catch (OutOfMemoryException)
        {
            throw new CommandException($"{path} takes more memory than a document may: give its text.");
        }
        catch (Exception e) when (e is not (CommandException or OperationCanceledException or FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException))
        {
            // The libraries throw whatever a damaged file makes go wrong.
            throw new CommandException($"{path} cannot be read as {ExtensionOf(path)[1..]}, it is damaged or something else ({Failure.Sentence(e.Message).TrimEnd('.')}): get it anew, or give its text.");
        }

        return text.Finish();
    }

    private static string ExtensionOf(string path) => Path.GetExtension(path).ToLowerInvariant();
}
