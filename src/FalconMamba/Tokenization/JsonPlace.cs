using System.Text.Json;

namespace FalconMamba.Tokenization;

/// <summary>A value in a JSON file together with its place, so that every complaint can name both.</summary>
internal readonly struct JsonPlace(JsonElement element, string file, string path)
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    /// <summary>The value.</summary>
    public JsonElement Element => element;

    /// <summary>The keys that lead to the value, such as <c>model.merges[3]</c>.</summary>
    public string Path => path.Length == 0 ? "JSON" : path;

    /// <summary>Whether the value is an object.</summary>
    public bool IsObject => element.ValueKind == JsonValueKind.Object;

    /// <summary>Whether the value is an array.</summary>
    public bool IsArray => element.ValueKind == JsonValueKind.Array;

    /// <summary>Parses a file's content and hands its root object over.</summary>
    /// <exception cref="MalformedFileException">It is no JSON object, is nested deeper than 64, or repeats a key.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> json, string file, Func<JsonPlace, T> read)
    {
        using var document = Parse(json, file);
        var root = new JsonPlace(document.RootElement, file, "");
        return root.IsObject ? read(root) : throw root.Expected("an object");
    }

    /// <summary>A complaint about this value.</summary>
    public MalformedFileException Expected(string what) => new(file, Path, $"{what} was expected, but it is {Describe(element)}");

    /// <summary>A complaint about what this value says.</summary>
    public MalformedFileException Wrong(string what) => new(file, Path, what);

    /// <summary>Refuses keys other than these.</summary>
    public void AllowOnly(params ReadOnlySpan<string> keys)
    {
        foreach (var property in Members())
            if (!keys.Contains(property.Key)) throw property.Value.Wrong("this key is not known");
    }

    /// <summary>The value of a key; null where it is absent or JSON's null.</summary>
    public JsonPlace? Find(string key)
    {
        if (!IsObject) throw Expected("an object");
        return element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? At(value, key) : null;
    }

    /// <summary>The value of a key that has to be there.</summary>
    public JsonPlace Get(string key) => Find(key) ?? throw Wrong($"the key \"{key}\" was expected, but it is missing");

    /// <summary>The elements of an array.</summary>
    public IEnumerable<JsonPlace> Items()
    {
        if (!IsArray) throw Expected("an array");
        var index = 0;
        foreach (var item in element.EnumerateArray()) yield return new JsonPlace(item, file, $"{path}[{index++}]");
    }

    /// <summary>The members of an object.</summary>
    public IEnumerable<(string Key, JsonPlace Value)> Members()
    {
        if (!IsObject) throw Expected("an object");
        foreach (var property in element.EnumerateObject())
        {
            var key = Decode(property, static property => property.Name);
            yield return (key, At(property.Value, key));
        }
    }

    /// <summary>A string.</summary>
    public string Text() =>
        element.ValueKind == JsonValueKind.String ? Decode(element, static element => element.GetString()!) : throw Expected("a string");

    /// <summary>True or false.</summary>
    public bool Flag() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Expected("true or false"),
    };

    /// <summary>A token id: an integer of 0 or above.</summary>
    public int Id() => element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var id) && id >= 0
        ? id
        : throw Expected("an id of 0 or above");

    /// <summary>A key's flag, or a default where the key is absent.</summary>
    public bool Flag(string key, bool absent = false) => Find(key)?.Flag() ?? absent;

    private JsonPlace At(JsonElement value, string key) => new(value, file, path.Length == 0 ? key : $"{path}.{key}");

    private static JsonDocument Parse(ReadOnlyMemory<byte> json, string file)
    {
        try
        {
            return JsonDocument.Parse(json, Strict);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The parser throws the second for a key with an unpaired surrogate.
            var place = e is JsonException { LineNumber: { } line, BytePositionInLine: { } position } ? $"line {line + 1}, byte {position + 1}" : "JSON";
            throw new MalformedFileException(file, place, "valid JSON without repeated keys and at most 64 levels deep was expected", e);
        }
    }

    // An escape such as \ud800 alone is valid JSON, but no text.
    private T Decode<TValue, T>(TValue value, Func<TValue, T> decode)
    {
        try
        {
            return decode(value);
        }
        catch (InvalidOperationException e)
        {
            throw new MalformedFileException(file, Path, "text without unpaired surrogates was expected", e);
        }
    }

    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => value.GetRawText() is { Length: <= 40 } number ? number : "a long number",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };
}
