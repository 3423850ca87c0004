using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FalconMamba.Formats.Gguf;

namespace FalconMamba.Tests.Formats.Gguf;

/// <summary>
/// The descriptions of GGUF files in the fixtures: <c>NAME.json</c> holds, by type, metadata and tensor table of
/// <c>NAME-TYPE.gguf</c>, which may be there or not.
/// </summary>
internal static class GgufTables
{
    /// <summary>A file that is there, with its description.</summary>
    public sealed record Case(string Path, string Name, string Type, JsonElement Description);

    public static IEnumerable<(string, Case)> Discover(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal))
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            var name = Path.GetFileNameWithoutExtension(path);
            foreach (var file in json.RootElement.GetProperty("files").EnumerateObject())
            {
                var gguf = Path.Combine(folder, $"{name}-{file.Name}.gguf");
                if (File.Exists(gguf)) yield return (Path.GetFileName(gguf), new Case(gguf, name, file.Name, file.Value.Clone()));
            }
        }
    }

    public static void CheckMetadata(JsonElement expected, GgufFile file)
    {
        Assert.Equal(expected.EnumerateObject().Select(key => key.Name), file.Metadata.Keys);
        foreach (var key in expected.EnumerateObject())
        {
            var value = file.Metadata[key.Name];
            Assert.Equal(TypeOf(key.Value.GetProperty("type")), value.Type);
            if (value.Type != GgufValueType.Array)
            {
                CheckValue(key.Value.GetProperty("value"), value);
                continue;
            }

            Assert.Equal(TypeOf(key.Value.GetProperty("of")), value.ElementType);
            Assert.Equal(key.Value.GetProperty("count").GetInt64(), value.Count);
            Assert.Equal(key.Value.GetProperty("sha256_json").GetString(), Convert.ToHexStringLower(SHA256.HashData(CompactJson(value))));
        }
    }

    public static void CheckValue(JsonElement expected, GgufValue actual)
    {
        switch (expected.ValueKind)
        {
            case JsonValueKind.Array:
                Assert.Equal(expected.GetArrayLength(), actual.Count);
                foreach (var (item, value) in expected.EnumerateArray().Zip(actual.Items)) CheckValue(item, value);
                break;
            case JsonValueKind.String: Assert.Equal(expected.GetString(), actual.ToText()); break;
            case JsonValueKind.True or JsonValueKind.False: Assert.Equal(expected.GetBoolean(), actual.ToBoolean()); break;
            case var _ when actual.Type == GgufValueType.F32: Assert.Equal((float)expected.GetDouble(), (float)actual.ToDouble()); break;
            case var _ when actual.Type == GgufValueType.F64: Assert.Equal(expected.GetDouble(), actual.ToDouble()); break;
            default: Assert.Equal(expected.GetInt64(), actual.ToInt64()); break;
        }
    }

    private static GgufValueType TypeOf(JsonElement name) => name.GetString() switch
    {
        "string" => GgufValueType.Text,
        "array" => GgufValueType.Array,
        var other => Enum.Parse<GgufValueType>(other!, ignoreCase: true),
    };

    // As Python writes it: only quotation marks, backslashes and control characters are escaped.
    private static byte[] CompactJson(GgufValue array)
    {
        var json = new StringBuilder("[");
        foreach (var item in array.Items)
        {
            if (json.Length > 1) json.Append(',');
            if (item.Type == GgufValueType.Text) json.Append('"').Append(item.ToText().Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
            else json.Append(item.ToString());
        }

        return Encoding.UTF8.GetBytes(json.Append(']').ToString());
    }
}
