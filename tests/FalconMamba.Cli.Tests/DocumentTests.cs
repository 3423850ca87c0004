using System.Globalization;
using System.Text;
using DocumentFormat.OpenXml;
using DocumentFormat.OpenXml.Wordprocessing;
using FalconMamba.Cli.Documents;

namespace FalconMamba.Cli.Tests;

public sealed class DocumentTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_page_gives_what_its_reader_sees()
    {
        File.WriteAllText(_folder["a.html"], """
            <html><head><title>no</title><style>p{}</style></head><body><h1>T&eacute;st</h1>
            <p>One <b>two</b>three<br>four</p><ul><li>a<li>b</ul><table><tr><td>1<td>2</tr></table>
            <pre>x
              y</pre><script>bad()</script><!-- no --></body></html>
            """);
        Assert.Equal("Tést\n\nOne twothree\nfour\n\na\nb\n\n1 2\n\nx\n  y\n", Unwrap("a.html"));
        File.WriteAllBytes(_folder["b.html"], [.. Encoding.ASCII.GetBytes("<meta charset=iso-8859-1>caf"), 0xE9]);
        Assert.Equal("café\n", Unwrap("b.html"));
    }

    [Fact]
    public void A_word_document_gives_its_paragraphs_as_they_stand_now()
    {
        TestDocuments.Word(
            _folder["a.docx"],
            new Paragraph(new Run(new Text("Hello")), new Run(new TabChar(), new Text(" world") { Space = SpaceProcessingModeValues.Preserve })),
            new Paragraph(new Run(new Text("Second"), new Break(), new Text("line")), new DeletedRun(new Run(new DeletedText("gone")))));
        Assert.Equal("Hello\t world\nSecond\nline\n", Unwrap("a.docx"));
    }

    [Fact]
    public void A_book_gives_its_chapters_in_reading_order()
    {
        TestDocuments.Book(_folder["a.epub"]);
        Assert.Equal("One\n\nIt was a dark night.\n\nIt was over.\n", Unwrap("a.epub"));
    }

    [Fact]
    public void A_pdf_file_gives_its_pages()
    {
        TestDocuments.Pdf(_folder["a.pdf"], "First page", "Second page");
        Assert.Equal("First page\n\nSecond page\n", Unwrap("a.pdf"));
    }

    [Fact]
    public void What_is_damaged_or_something_else_is_told_in_one_sentence()
    {
        TestDocuments.Pdf(_folder["cut.pdf"], "First page");
        Cut("cut.pdf");
        Fails("cut.pdf", "end mark");
        File.WriteAllText(_folder["no.pdf"], "%PDF-1.7\nnothing %%EOF");
        Fails("no.pdf", "cannot be read as pdf");
        TestDocuments.Pdf(_folder["empty.pdf"], " ");
        Fails("empty.pdf", "no text");
        TestDocuments.Word(_folder["cut.docx"], new Paragraph(new Run(new Text("Hello"))));
        Cut("cut.docx");
        Fails("cut.docx", "cannot be read as docx");
        TestDocuments.Zip(_folder["no.docx"], ("a.txt", "hello"));
        Fails("no.docx", "docx");
        TestDocuments.Zip(_folder["no.epub"], ("a.txt", "hello"));
        Fails("no.epub", "holds no book");
        TestDocuments.Book(_folder["lost.epub"], """<itemref idref="three"/>""");
        Fails("lost.epub", "lacks a chapter that its contents name (three)");
        File.WriteAllText(_folder["no.html"], "<script>alert()</script>");
        Fails("no.html", "no text");
    }

    [Fact]
    public void A_small_file_that_unfolds_to_a_large_one_is_refused()
    {
        TestDocuments.Zip(_folder["bomb.docx"], ("word/document.xml", new string('a', 270 << 20)));
        Assert.InRange(new FileInfo(_folder["bomb.docx"]).Length, 0, 1 << 20);
        Fails("bomb.docx", "unfold");
        TestDocuments.Word(_folder["long.docx"], [.. Enumerable.Range(0, 90).Select(_ => (OpenXmlElement)new Paragraph(new Run(new Text(new string('a', 100_000)))))]);
        Fails("long.docx", "more than 8,000,000 characters");
        TestDocuments.Zip(_folder["many.epub"], [.. Enumerable.Range(0, 20_001).Select(i => (i.ToString(CultureInfo.InvariantCulture), ""))]);
        Fails("many.epub", "20,001 files");
        TestDocuments.Zip(_folder["page.epub"], ("META-INF/container.xml", $"<!DOCTYPE x [<!ENTITY a \"{new string('a', 1000)}\">]><x>&a;</x>"));
        Fails("page.epub", "page.epub");
    }

    private string Unwrap(string name) => DocumentFormats.Unwrap(_folder[name], (_, _) => { });

    private void Cut(string name) => File.WriteAllBytes(_folder[name], File.ReadAllBytes(_folder[name])[..^200]);

    private void Fails(string name, string part)
    {
        var message = Failure.Sentence(Assert.Throws<CommandException>(() => Unwrap(name)).Message);
        Assert.Contains(part, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}
