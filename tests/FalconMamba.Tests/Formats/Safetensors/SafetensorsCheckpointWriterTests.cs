using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;

namespace FalconMamba.Tests.Formats.Safetensors;

public class SafetensorsCheckpointWriterTests
{
    [Theory]
    [InlineData(1000, 1)]
    [InlineData(24, 2)]
    [InlineData(8, 4)]
    [InlineData(1, 5)]
    public void Shards_hold_every_tensor_once(long shardBytes, int shards)
    {
        using var folder = new TemporaryFolder();
        // What an earlier checkpoint left must not be read with the new one.
        File.WriteAllText(folder["model.safetensors"], "stale");
        File.WriteAllText(folder["model-00009-of-00009.safetensors"], "stale");
        File.WriteAllText(folder["model.safetensors.index.json"], "stale");
        var entries = new[] { ("e", 4), ("d", 2), ("c", 2), ("b", 0), ("a", 3) }
            .Select(t => new TensorEntry(t.Item1, TensorType.F32, [t.Item2], stream => stream.Write(new byte[t.Item2 * 4])))
            .ToArray();
        var names = SafetensorsCheckpointWriter.Write(folder.Root, entries, shardBytes);
        Assert.Equal(names.Order(), Directory.EnumerateFiles(folder.Root, "*.safetensors").Select(file => Path.GetFileName(file)!).Order());
        Assert.Equal(names.Count > 1, File.Exists(folder["model.safetensors.index.json"]));
        using var checkpoint = SafetensorsCheckpoint.Open(folder.Root);
        Assert.Equal(["a", "b", "c", "d", "e"], checkpoint.Tensors.Keys.Order());
        Assert.Equal(44, checkpoint.ByteLength);
        Assert.Equal(shards, names.Count);
        Assert.All(checkpoint.Files, file => Assert.True(file.InFileOrder.Count(t => t.ByteLength > 0) <= 1 || file.InFileOrder.Sum(t => t.ByteLength) <= shardBytes));
    }
}
