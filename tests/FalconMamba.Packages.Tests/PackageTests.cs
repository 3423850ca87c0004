using System.IO.Compression;
using System.Xml.Linq;

namespace FalconMamba.Packages.Tests;

/// <summary>What is in the packages.</summary>
public class PackageTests
{
    private readonly PackageFeed _feed;

    public PackageTests(PackageFeed feed)
    {
        Assert.SkipWhen(feed.Obstacle is not null, feed.Obstacle ?? "");
        _feed = feed;
    }

    [Fact]
    public void There_are_three_and_symbols_for_the_libraries()
    {
        string[] expected =
        [
            $"FalconMamba.{_feed.Version}.nupkg",
            $"FalconMamba.{_feed.Version}.snupkg",
            $"FalconMamba.Extensions.AI.{_feed.Version}.nupkg",
            $"FalconMamba.Extensions.AI.{_feed.Version}.snupkg",
            $"FalconMamba.Tool.{_feed.Version}.nupkg",
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), Directory.EnumerateFiles(_feed.Packages).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("FalconMamba", "lib/net10.0/FalconMamba.dll", "lib/net10.0/FalconMamba.xml")]
    [InlineData("FalconMamba.Extensions.AI", "lib/net10.0/FalconMamba.Extensions.AI.dll", "lib/net10.0/FalconMamba.Extensions.AI.xml")]
    [InlineData("FalconMamba.Tool", "tools/net10.0/any/falcon-mamba.dll", "tools/net10.0/any/models/shakespeare-4m/model.safetensors")]
    public void Each_says_what_it_is(string id, params string[] files)
    {
        using var package = ZipFile.OpenRead(Path.Combine(_feed.Packages, $"{id}.{_feed.Version}.nupkg"));
        var names = package.Entries.Select(entry => entry.FullName).ToHashSet();
        Assert.All([.. files, "README.md", "CHANGELOG.md"], name => Assert.Contains(name, names));

        using var stream = package.GetEntry($"{id}.nuspec")!.Open();
        var metadata = XDocument.Load(stream).Root!.Elements().Single();
        string Value(string name) => metadata.Element(metadata.Name.Namespace + name)?.Value ?? "";
        Assert.Equal("Apache-2.0", Value("license"));
        Assert.Equal("README.md", Value("readme"));
        Assert.All(["authors", "description", "tags", "releaseNotes"], name => Assert.NotEqual("", Value(name)));
    }
}
