using System.Text.Json;
using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;

namespace FalconMamba.Tests.Formats.Safetensors;

[Trait("Category", "Golden")]
public class CorruptSafetensorsTests
{
    private const string Category = "gguf/corrupt-safetensors";

    private sealed record Case(string Path, string Expect, IReadOnlyDictionary<string, double[]> Good);

    [Fact]
    public void Valid_files_are_read_and_broken_ones_refused_in_one_sentence() => FixtureFolder.ForEach(Category, Discover, Check);

    [Fact]
    public void Opening_allocates_in_proportion_to_the_file() => FixtureFolder.ForEach<Case>(Category, Discover, file =>
    {
        var bound = (1 << 20) + (16 * new FileInfo(file.Path).Length);
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            SafetensorsFile.Open(file.Path).Dispose();
        }
        catch (MalformedFileException)
        {
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, bound);
    });

    private static IEnumerable<(string, Case)> Discover(string folder)
    {
        using var index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "index.json")));
        var good = index.RootElement.GetProperty("good").EnumerateObject()
            .ToDictionary(p => p.Name, p => p.Value.EnumerateArray().Select(v => v.GetDouble()).ToArray());
        foreach (var file in index.RootElement.GetProperty("files").EnumerateArray())
        {
            var name = file.GetProperty("file").GetString()!;
            yield return (name, new Case(Path.Combine(folder, name), file.GetProperty("expect").GetString()!, good));
        }
    }

    private static void Check(Case file)
    {
        MalformedFileException? refused = null;
        try
        {
            using var opened = SafetensorsFile.Open(file.Path);
            foreach (var tensor in opened.InFileOrder) CheckValues(tensor, file.Good);
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

    // The valid files hold "a" as float32 and "b" as binary16, the whole of them or the first values.
    private static void CheckValues(Tensor tensor, IReadOnlyDictionary<string, double[]> good)
    {
        var values = new double[tensor.ElementCount];
        tensor.CopyTo(values);
        if (tensor.Type is not (TensorType.F32 or TensorType.F16) || !good.TryGetValue(tensor.Name, out var expected)) return;
        Assert.Equal(expected[..values.Length], values);
    }
}
