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

    [Fact]
    public void The_tool_tells_what_it_contains_of_others()
    {
        using var package = OpenTool();
        using var stream = new StreamReader(package.GetEntry("THIRD-PARTY-NOTICES.txt")!.Open());
        var notices = stream.ReadToEnd();
        Assert.NotNull(package.GetEntry("LICENSE"));
        var libraries = package.Entries.Where(entry => Path.GetExtension(entry.Name) is ".dll" or ".so" or ".dylib").Select(entry => entry.Name).ToHashSet();
        Assert.True(libraries.Remove("falcon-mamba.dll") && libraries.Remove("FalconMamba.dll"));
        Assert.NotEmpty(libraries);
        Assert.All(libraries, name => Assert.Contains(name, notices, StringComparison.Ordinal));
        // After a change of packages: the explicit test below.
        using var program = OpenProgram(package);
        Assert.Equal(ThirdPartyNotices.Write(program, PackageFeed.Restored), notices.ReplaceLineEndings("\n"));
    }

    [Fact(Explicit = true)]
    public void Write_what_the_tool_contains_of_others()
    {
        using var package = OpenTool();
        using var program = OpenProgram(package);
        File.WriteAllText(ThirdPartyNotices.Path, ThirdPartyNotices.Write(program, PackageFeed.Restored));
    }

    private ZipArchive OpenTool() => ZipFile.OpenRead(Path.Combine(_feed.Packages, $"FalconMamba.Tool.{_feed.Version}.nupkg"));

    private static MemoryStream OpenProgram(ZipArchive tool)
    {
        using var stream = tool.GetEntry("tools/net10.0/any/falcon-mamba.deps.json")!.Open();
        var copy = new MemoryStream();
        stream.CopyTo(copy);
        copy.Position = 0;
        return copy;
    }
}
