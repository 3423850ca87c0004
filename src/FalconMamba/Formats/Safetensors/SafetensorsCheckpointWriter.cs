using System.Globalization;
using System.Text.Json;

namespace FalconMamba.Formats.Safetensors;

/// <summary>
/// Writes a checkpoint's weights as <c>save_pretrained</c> lays them out: one <c>model.safetensors</c>, or shards and their
/// index where that would be too large a file.
/// </summary>
public static class SafetensorsCheckpointWriter
{
    /// <summary>The bytes of a shard that transformers does not exceed either, but for a single larger tensor.</summary>
    public const long DefaultShardBytes = 5_000_000_000;

    // What transformers writes, and some readers ask for.
    private static readonly Dictionary<string, string> Metadata = new() { ["format"] = "pt" };

    /// <summary>
    /// Writes the tensors in the given order; each entry is asked for its bytes once, when its turn comes. Weights that an
    /// earlier checkpoint left in the folder are removed when the new ones are complete.
    /// </summary>
    /// <param name="folder">The folder; it must exist.</param>
    /// <param name="entries">Names, types, shapes and how to get the bytes.</param>
    /// <param name="shardBytes">A file holds at most so many bytes of tensors, or a single tensor.</param>
    /// <returns>The names of the files with weights.</returns>
    /// <exception cref="ArgumentException">An entry is not valid.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static IReadOnlyList<string> Write(string folder, IReadOnlyList<TensorEntry> entries, long shardBytes = DefaultShardBytes)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shardBytes);
        var shards = Split(entries, shardBytes, out var totalBytes);
        string[] names = shards.Count == 1
            ? [SafetensorsCheckpoint.WeightsName]
            : [.. shards.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors"))];
        for (var i = 0; i < shards.Count; i++) SafetensorsWriter.Write(Path.Combine(folder, names[i]), shards[i], Metadata);
        if (shards.Count > 1) WriteIndex(Path.Combine(folder, SafetensorsCheckpoint.IndexName), shards, names, totalBytes);
        foreach (var file in Directory.EnumerateFiles(folder, "model*.safetensors").Append(Path.Combine(folder, SafetensorsCheckpoint.IndexName)))
        {
            var isNew = names.Contains(Path.GetFileName(file)) || (shards.Count > 1 && !file.EndsWith(".safetensors", StringComparison.Ordinal));
            if (!isNew) File.Delete(file);
        }

        return names;
    }

    private static List<List<TensorEntry>> Split(IReadOnlyList<TensorEntry> entries, long shardBytes, out long totalBytes)
    {
        var shards = new List<List<TensorEntry>> { new() };
        long inShard = 0;
        totalBytes = 0;
        foreach (var entry in entries)
        {
            if (!TensorTypes.TryMeasure(entry.Type, entry.Shape.AsSpan(), out _, out var length))
                throw new ArgumentException($"Tensor {entry.Name} has a shape without a size: [{string.Join(", ", entry.Shape)}].", nameof(entries));
            if (shards[^1].Count > 0 && length > shardBytes - inShard)
            {
                shards.Add([]);
                inShard = 0;
            }

            shards[^1].Add(entry);
            inShard += length;
            totalBytes = checked(totalBytes + length);
        }

        return shards;
    }

    private static void WriteIndex(string path, List<List<TensorEntry>> shards, string[] names, long totalBytes) => AtomicFile.Write(path, file =>
    {
        using var json = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", totalBytes);
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        var shardOf = shards.SelectMany((shard, i) => shard.Select(entry => (entry.Name, File: names[i])));
        foreach (var (name, shard) in shardOf.OrderBy(pair => pair.Name, StringComparer.Ordinal)) json.WriteString(name, shard);
        json.WriteEndObject();
        json.WriteEndObject();
    });
}
