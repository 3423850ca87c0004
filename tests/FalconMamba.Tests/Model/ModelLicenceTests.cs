using FalconMamba.Formats.Gguf;
using FalconMamba.Model;

namespace FalconMamba.Tests.Model;

public class ModelLicenceTests
{
    private const string Card = "---\nlicense: other\nlicense_name: 'falcon-mamba-7b-license'\nlicense_link: https://example.com/terms:1\n---\n# a\n";

    [Theory]
    [InlineData("---\nlicense: mit\n---\n# a\n", "mit")]
    [InlineData(Card, "falcon-mamba-7b-license (https://example.com/terms:1)")]
    [InlineData("---\nlicense: other\n---\n", "other")]
    [InlineData("---\nlicense: mit\n", "see LICENSE.txt")]
    [InlineData("# a\nlicense: mit\n", "see LICENSE.txt")]
    public void It_is_that_of_the_card_or_the_file(string card, string licence)
    {
        using var folder = new TemporaryFolder();
        Assert.Equal("not stated", ModelLicence.Read(folder.Root).ToString());
        File.WriteAllText(folder["NOTICE"], "…");
        Assert.Null(ModelLicence.Read(folder.Root).Name);
        File.WriteAllText(folder["README.md"], card);
        File.WriteAllText(folder["LICENSE.txt"], "…");
        Assert.Equal(licence, ModelLicence.Read(folder.Root).ToString());
        Assert.Equal(["LICENSE.txt", "NOTICE"], ModelLicence.Read(folder.Root).Files);
    }

    [Fact]
    public void It_goes_into_a_gguf_file_and_comes_back()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["README.md"], Card);
        var metadata = new GgufMetadata();
        var licence = ModelLicence.Read(folder.Root);
        licence.WriteTo(metadata);
        GgufWriter.Write(folder["a.gguf"], metadata, []);
        using (var file = GgufFile.Open(folder["a.gguf"]))
            Assert.Equal(["general.license", "general.license.name", "general.license.link"], file.Metadata.Keys);
        Assert.Equal(licence.ToString(), ModelLicence.Read(folder["a.gguf"]).ToString());
    }
}
