using System.Text.Json;
using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;

namespace FalconMamba.Tests.Formats.Safetensors;

public class SafetensorsCheckpointTests
{
    [Fact]
    [Trait("Category", "Golden")]
    public void Published_layouts_open_whole() => FixtureFolder.ForEach<string>(
        "models",
        folder => Directory.GetDirectories(folder).Order(StringComparer.Ordinal).Select(path => (Path.GetFileName(path), path)),
        folder =>
        {
            using var checkpoint = SafetensorsCheckpoint.Open(folder);
            Assert.Contains("backbone.embeddings.weight", checkpoint.Tensors.Keys);
            Assert.Equal(checkpoint.Files.Sum(f => f.Tensors.Count), checkpoint.Tensors.Count);
            Assert.Equal(checkpoint.Tensors.Values.Sum(t => t.ByteLength), checkpoint.ByteLength);
            foreach (var tensor in checkpoint.Tensors.Values) Assert.DoesNotContain(tensor.ToSingle(), float.IsNaN);
            if (Path.Combine(folder, SafetensorsCheckpoint.IndexName) is var index && !File.Exists(index)) return;
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            Assert.Equal(json.RootElement.GetProperty("metadata").GetProperty("total_size").GetInt64(), checkpoint.ByteLength);
        });

    [Fact]
    public void Shards_are_merged_and_a_single_file_is_preferred()
    {
        using var folder = new TemporaryFolder();
        WriteShards(folder);
        WriteIndex(folder, """{"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}""");
        foreach (var path in new[] { folder.Root, folder[SafetensorsCheckpoint.IndexName] })
        {
            using var sharded = SafetensorsCheckpoint.Open(path);
            Assert.Equal([1f], sharded.Tensors["a"].ToSingle());
            Assert.Equal([2f], sharded.Tensors["b"].ToSingle());
            Assert.Equal(2, sharded.Files.Count);
            Assert.Equal(8, sharded.ByteLength);
        }

        Write(folder, SafetensorsCheckpoint.WeightsName, ("a", 3));
        using var single = SafetensorsCheckpoint.Open(folder.Root);
        Assert.Equal([3f], single.Tensors["a"].ToSingle());
    }

    [Theory]
    [InlineData("""{"weight_map": {"a": "../1.safetensors"}}""", "tensor a")]
    [InlineData("""{"weight_map": {"a": "..\\1.safetensors"}}""", "tensor a")]
    [InlineData("""{"weight_map": {"a": "/tmp/1.safetensors"}}""", "tensor a")]
    [InlineData("""{"weight_map": {"a": "C:1.safetensors"}}""", "tensor a")]
    [InlineData("""{"weight_map": {"a": ".."}}""", "tensor a")]
    [InlineData("""{"weight_map": {"a": ""}}""", "tensor a")]
    [InlineData("""{"weight_map": {"a": "1.safe\u0000tensors"}}""", "tensor a")]
    [InlineData("""{"weight_map": {"a": 1}}""", "tensor a")]
    [InlineData("""{"weight_map": {"a": "1.safetensors", "a": "1.safetensors"}}""", "tensor a")]
    [InlineData("""{"weight_map": {"a": "2.safetensors", "b": "1.safetensors"}}""", "tensor a")]
    [InlineData("""{"weight_map": {"c": "1.safetensors"}}""", "tensor c")]
    [InlineData("""{"weight_map": {"a": "3.safetensors"}}""", "shard 3.safetensors")]
    [InlineData("""{"weight_map": {"a": "1.safetensors", "b": "twice.safetensors"}}""", "tensor a")]
    [InlineData("""{"weight_map": []}""", "weight_map")]
    [InlineData("""{"weight_map": {}, "weight_map": {}}""", "weight_map")]
    [InlineData("""{"metadata": {}}""", "weight_map")]
    [InlineData("""["weight_map"]""", "byte 0")]
    [InlineData("""{"weight_map": {"a": "1.safetensors"}} {}""", "byte")]
    [InlineData("""{"weight_map": {"a": "1.safetensors\ud800"}}""", "byte")]
    [InlineData("""{"weight_map": """, "byte")]
    [InlineData("", "byte 0")]
    public void An_index_that_disagrees_with_its_shards_is_refused_by_name(string index, string place)
    {
        using var folder = new TemporaryFolder();
        WriteShards(folder);
        Write(folder, "twice.safetensors", ("a", 1), ("b", 1));
        WriteIndex(folder, index);
        var error = Assert.Throws<MalformedFileException>(() => SafetensorsCheckpoint.Open(folder.Root));
        Assert.Contains(place, error.Place, StringComparison.Ordinal);
        Assert.StartsWith(folder.Root, error.File, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_weights_are_told_in_a_sentence()
    {
        using var folder = new TemporaryFolder();
        var nothing = Assert.Throws<FileNotFoundException>(() => SafetensorsCheckpoint.Open(folder.Root)).Message;
        Assert.Contains(folder.Root, nothing, StringComparison.Ordinal);
        Assert.Contains(SafetensorsCheckpoint.WeightsName, nothing, StringComparison.Ordinal);

        File.WriteAllBytes(folder["pytorch_model.bin"], []);
        var pickled = Assert.Throws<FileNotFoundException>(() => SafetensorsCheckpoint.Open(folder.Root)).Message;
        Assert.Contains("save_pretrained", pickled, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => SafetensorsCheckpoint.Open(folder["absent"]));
    }

    private static void WriteShards(TemporaryFolder folder)
    {
        Write(folder, "1.safetensors", ("a", 1));
        Write(folder, "2.safetensors", ("b", 2));
    }

    private static void WriteIndex(TemporaryFolder folder, string json) => File.WriteAllText(folder[SafetensorsCheckpoint.IndexName], json);

    private static void Write(TemporaryFolder folder, string file, params (string Name, float Value)[] tensors) =>
        SafetensorsWriter.Write(folder[file], tensors.Select(t => Tensor.FromArray<float>(t.Name, [1], [t.Value])));
}
