using System.Text;
using System.Text.Json;
using System.Xml.Linq;

namespace FalconMamba.Packages.Tests;

/// <summary>What the tool contains of others and on what terms, as the restored packages tell it.</summary>
internal static class ThirdPartyNotices
{
    private const string Mit = """
        Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
        files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
        modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
        Software is furnished to do so, subject to the following conditions:

        The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

        THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
        WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
        COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
        ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
        """;

    /// <summary>The file's place in the repository.</summary>
    public static string Path { get; } = System.IO.Path.Combine(PackageFeed.Repository, "src", "FalconMamba.Cli", "THIRD-PARTY-NOTICES.txt");

    /// <summary>The text for a program.</summary>
    /// <param name="program">Its <c>.deps.json</c>.</param>
    /// <param name="packages">The folder that packages are restored to.</param>
    public static string Write(Stream program, string packages)
    {
        using var deps = JsonDocument.Parse(program);
        var files = deps.RootElement.GetProperty("targets").EnumerateObject().Single().Value;
        var text = new StringBuilder("The command falcon-mamba contains what is listed here, on the terms told beside it.\n");
        foreach (var library in deps.RootElement.GetProperty("libraries").EnumerateObject())
        {
            var names = FilesOf(files.GetProperty(library.Name));
            if (library.Value.GetProperty("type").GetString() != "package" || names.Length == 0) continue;
            var folder = System.IO.Path.Combine(packages, library.Value.GetProperty("path").GetString()!);
            var metadata = XDocument.Load(Directory.GetFiles(folder, "*.nuspec").Single()).Root!.Elements().Single();
            string? Value(string name) => metadata.Element(metadata.Name.Namespace + name)?.Value;
            text.Append('\n').Append(library.Name.Replace('/', ' ')).Append('\n');
            text.Append("  files: ").AppendJoin(", ", names).Append('\n');
            text.Append("  licence: ").Append(Value("license")).Append('\n');
            foreach (var line in Copyright(folder, Value("copyright") ?? Value("authors")!)) text.Append("  ").Append(line).Append('\n');
            if (Value("projectUrl") is { } url) text.Append("  ").Append(url).Append('\n');
        }

        text.Append("\nApache-2.0 is the licence of falcon-mamba too: see LICENSE. MIT:\n\n").Append(Mit).Append('\n');
        // The drawing library is made of many others; the packages for each system tell the same.
        var drawing = Directory.GetFiles(System.IO.Path.Combine(packages, PathOf(deps, "SkiaSharp.NativeAssets.Win32/")), "THIRD-PARTY-NOTICES.txt").Single();
        return text.Append('\n').Append(File.ReadAllText(drawing).ReplaceLineEndings("\n").Trim()).Append('\n').ToString();
    }

    private static string PathOf(JsonDocument deps, string package) => deps.RootElement.GetProperty("libraries").EnumerateObject()
        .Single(library => library.Name.StartsWith(package, StringComparison.Ordinal)).Value.GetProperty("path").GetString()!;

    private static string[] FilesOf(JsonElement library) =>
    [
        .. new[] { "runtime", "native", "runtimeTargets" }
            .Where(kind => library.TryGetProperty(kind, out _))
            .SelectMany(kind => library.GetProperty(kind).EnumerateObject())
            .Select(file => System.IO.Path.GetFileName(file.Name))
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    private static string[] Copyright(string folder, string otherwise)
    {
        string[] lines =
        [
            .. Directory.EnumerateFiles(folder, "LICENSE.txt", new EnumerationOptions { MatchCasing = MatchCasing.CaseInsensitive })
                .SelectMany(File.ReadLines)
                .Select(line => line.Trim())
                .Where(line => line.StartsWith("Copyright ", StringComparison.Ordinal)),
        ];
        return lines.Length > 0 ? lines : [otherwise.StartsWith("Copyright", StringComparison.Ordinal) || otherwise.StartsWith('©') ? otherwise : $"Copyright {otherwise}"];
    }
}
