using System.Text.Json;
using FalconMamba.Formats.Gguf;

namespace FalconMamba.Tests.Formats.Gguf;

[Trait("Category", "Golden")]
public class CorruptGgufTests
{
    private const string Category = "gguf/corrupt-gguf";

    private sealed record Case(string Path, string Expect, JsonElement? Good);

    [Fact]
    public void Valid_files_are_read_and_broken_ones_refused_in_one_sentence() => FixtureFolder.ForEach(Category, Discover, Check);

    [Fact]
    public void Opening_allocates_in_proportion_to_the_file() => FixtureFolder.ForEach<Case>(Category, Discover, file =>
    {
        var bound = (1 << 20) + (16 * new FileInfo(file.Path).Length);
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            GgufFile.Open(file.Path).Dispose();
        }
        catch (MalformedFileException)
        {
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, bound);
    });

    // The index describes the content of some valid files by their name without the extension.
    private static IEnumerable<(string, Case)> Discover(string folder)
    {
        using var index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "index.json")));
        foreach (var file in index.RootElement.GetProperty("files").EnumerateArray())
        {
            var name = file.GetProperty("file").GetString()!;
            JsonElement? good = index.RootElement.TryGetProperty(Path.GetFileNameWithoutExtension(name), out var content) ? content.Clone() : null;
            yield return (name, new Case(Path.Combine(folder, name), file.GetProperty("expect").GetString()!, good));
        }
    }

    private static void Check(Case file)
    {
        MalformedFileException? refused = null;
        try
        {
            using var opened = GgufFile.Open(file.Path);
            foreach (var value in opened.Metadata.Values) Assert.NotNull(value.ToString());
            foreach (var tensor in opened.Tensors.Values) Assert.Equal(tensor.ElementCount, tensor.ToSingle().Length);
            if (file.Good is { } good) CheckContent(opened, good);
        }
        catch (MalformedFileException e)
        {
            refused = e;
        }

        switch (file.Expect)
        {
            case "accept": Assert.Null(refused); break;
            case "reject": Assert.NotNull(refused); break;
            default: Assert.Equal("may", file.Expect); break;
        }

        if (refused is null) return;
        Assert.StartsWith(file.Path, refused.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(". ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    private static void CheckContent(GgufFile file, JsonElement good)
    {
        foreach (var key in good.GetProperty("keys").EnumerateArray())
            GgufTables.CheckValue(key.GetProperty("value"), file.Metadata[key.GetProperty("key").GetString()!]);
        Assert.Equal(good.GetProperty("tensors").GetArrayLength(), file.Tensors.Count);
        foreach (var expected in good.GetProperty("tensors").EnumerateArray())
        {
            var tensor = file.Tensors[expected.GetProperty("name").GetString()!];
            Assert.Equal(expected.GetProperty("dims").EnumerateArray().Select(dimension => dimension.GetInt64()).Reverse(), tensor.Shape);
            var first = expected.GetProperty("f32_first4").EnumerateArray().Select(value => value.GetDouble()).ToArray();
            Assert.Equal(first, tensor.ToSingle()[..first.Length].Select(value => (double)value));
        }
    }
}
