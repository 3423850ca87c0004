using System.Text.Json;
using System.Text.Unicode;

namespace FalconMamba.Formats.Safetensors;

/// <summary>The index of a sharded checkpoint: which file holds which tensor.</summary>
public sealed class SafetensorsIndex
{
    private const int DeepestNesting = 16;

    private SafetensorsIndex(IReadOnlyDictionary<string, string> weightMap)
    {
        WeightMap = weightMap;
        Shards = [.. weightMap.Values.Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>The file name of each tensor's shard; always a plain name, never a path.</summary>
    public IReadOnlyDictionary<string, string> WeightMap { get; }

    /// <summary>The shards' file names, each once, in ordinal order.</summary>
    public IReadOnlyList<string> Shards { get; }

    /// <summary>Reads an index.</summary>
    /// <param name="path">A <c>model.safetensors.index.json</c>.</param>
    /// <exception cref="MalformedFileException">The file is no such index, or names a shard outside its folder.</exception>
    /// <exception cref="IOException">The file is missing or cannot be mapped.</exception>
    public static SafetensorsIndex Open(string path)
    {
        using var file = MappedFile.Open(path);
        if (file.Length is 0 or > SafetensorsHeader.LongestBytes)
            throw new MalformedFileException(path, "byte 0", $"an index of 1 to {SafetensorsHeader.LongestBytes} bytes was expected, the file has {file.Length}");
        var json = file.Slice(0, (int)file.Length);
        if (!Utf8.IsValid(json)) throw new MalformedFileException(path, "byte 0", "UTF-8 was expected, other bytes were found");
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DeepestNesting });
        try
        {
            return new SafetensorsIndex(ReadObject(ref reader, path));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new MalformedFileException(path, $"byte {reader.BytesConsumed}", "valid JSON was expected", e);
        }
    }

    private static Dictionary<string, string> ReadObject(ref Utf8JsonReader reader, string path)
    {
        Dictionary<string, string>? map = null;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw new MalformedFileException(path, "byte 0", "a JSON object was expected");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("weight_map"u8))
            {
                if (map is not null) throw new MalformedFileException(path, "weight_map", "one object was expected, there are two");
                map = ReadMap(ref reader, path);
            }
            else
            {
                reader.Skip();
            }
        }

        while (reader.Read()) { }
        return map ?? throw new MalformedFileException(path, "weight_map", "the key was expected, it is missing");
    }

    private static Dictionary<string, string> ReadMap(ref Utf8JsonReader reader, string path)
    {
        var map = new Dictionary<string, string>();
        // Shards are few and tensors many: one string each.
        var shards = new HashSet<string>();
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw new MalformedFileException(path, "weight_map", "an object was expected");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String) throw Fault(path, name, "a shard's file name was expected");
            var shard = reader.GetString()!;
            if (!IsPlainFileName(shard)) throw Fault(path, name, $"a plain file name was expected, found {Excerpt.Of(shard)}");
            if (shards.TryGetValue(shard, out var known)) shard = known;
            else shards.Add(shard);
            if (!map.TryAdd(name, shard)) throw Fault(path, name, "the name must be used once, it is used twice");
        }

        return map;
    }

    // On every system alike: what is a path or a device on one of them is refused on all.
    private static bool IsPlainFileName(string name) =>
        name.Length is > 0 and <= 255 && name is not ("." or "..") && !name.AsSpan().ContainsAny('/', '\\', ':') && !name.Any(char.IsControl);

    private static MalformedFileException Fault(string path, string name, string expectation) =>
        new(path, $"weight_map, tensor {Excerpt.Of(name)}", expectation);
}
