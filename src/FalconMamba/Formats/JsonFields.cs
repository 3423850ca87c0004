using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Unicode;

namespace FalconMamba.Formats;

/// <summary>
/// The fields of a small JSON object such as <c>config.json</c>. Every fault becomes one sentence that names the file
/// and the key.
/// </summary>
internal readonly struct JsonFields
{
    // Configurations take a few kilobytes; what is larger is something else.
    private const int LongestFile = 1 << 20;

    private readonly JsonElement _object;
    private readonly string _file;
    private readonly string _prefix;

    private JsonFields(JsonElement element, string file, string prefix)
    {
        _object = element;
        _file = file;
        _prefix = prefix;
    }

    /// <summary>Reads a whole file, if it is small enough to be a configuration.</summary>
    /// <exception cref="MalformedFileException">The file is too long.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static byte[] ReadFile(string path)
    {
        using var file = MappedFile.Open(path);
        return file.Length <= LongestFile
            ? file.Slice(0, (int)file.Length).ToArray()
            : throw new MalformedFileException(path, "byte 0", $"a configuration of at most {LongestFile} bytes was expected, the file has {file.Length}");
    }

    /// <summary>Parses the object; what it returns holds no reference to <paramref name="json"/>.</summary>
    /// <exception cref="MalformedFileException">The text is no JSON object.</exception>
    public static JsonFields Parse(ReadOnlySpan<byte> json, string file)
    {
        if (!Utf8.IsValid(json)) throw new MalformedFileException(file, "byte 0", "UTF-8 was expected, other bytes were found");
        try
        {
            var reader = new Utf8JsonReader(json);
            var root = JsonElement.ParseValue(ref reader);
            while (reader.Read()) { }
            CheckNames(json, file);
            return root.ValueKind == JsonValueKind.Object
                ? new JsonFields(root, file, "")
                : throw new MalformedFileException(file, "byte 0", "a JSON object was expected");
        }
        catch (JsonException e)
        {
            throw new MalformedFileException(file, $"line {e.LineNumber + 1 ?? 1}", "valid JSON was expected", e);
        }
    }

    /// <summary>The keys and their values as JSON text, in the file's order.</summary>
    public IEnumerable<(string Key, string Value)> Raw() => _object.EnumerateObject().Select(static property => (property.Name, property.Value.GetRawText()));

    /// <summary>Whether the key is there, be its value null or not.</summary>
    public bool Has(string key) => _object.TryGetProperty(key, out _);

    /// <summary>A whole number of 32 bits; <paramref name="absent"/> if the key is missing or null.</summary>
    public int Int32(string key, int absent) => OptionalInt32(key) ?? absent;

    /// <summary>A whole number of 32 bits, null if the key is missing or null.</summary>
    public int? OptionalInt32(string key)
    {
        if (!TryGet(key, out var value)) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            ? number
            : throw Fault(key, "a whole number of 32 bits was expected");
    }

    /// <summary>A finite number, null if the key is missing or null.</summary>
    public double? OptionalDouble(string key)
    {
        if (!TryGet(key, out var value)) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw Fault(key, "a finite number was expected");
    }

    /// <summary>A finite number; <paramref name="absent"/> if the key is missing or null.</summary>
    public double Double(string key, double absent) => OptionalDouble(key) ?? absent;

    /// <summary>A boolean; <paramref name="absent"/> if the key is missing or null.</summary>
    public bool Boolean(string key, bool absent)
    {
        if (!TryGet(key, out var value)) return absent;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Fault(key, "true or false was expected");
    }

    /// <summary>A string, null if the key is missing or null.</summary>
    public string? String(string key) => TryGet(key, out var value) ? Text(key, value) : null;

    /// <summary>Whether the value is a string rather than another kind.</summary>
    public bool IsString(string key) => TryGet(key, out var value) && value.ValueKind == JsonValueKind.String;

    /// <summary>The value as JSON text, null if the key is missing or null.</summary>
    public string? Raw(string key) => TryGet(key, out var value) ? value.GetRawText() : null;

    /// <summary>An object inside this one, null if the key is missing or null.</summary>
    public JsonFields? Object(string key)
    {
        if (!TryGet(key, out var value)) return null;
        return value.ValueKind == JsonValueKind.Object ? new JsonFields(value, _file, $"{_prefix}{key}.") : throw Fault(key, "an object was expected");
    }

    /// <summary>
    /// A token id, null for null and for −1, which some configurations write for "none"; <paramref name="absent"/> if
    /// the key is missing.
    /// </summary>
    public int? TokenId(string key, int? absent)
    {
        if (!_object.TryGetProperty(key, out var value)) return absent;
        return value.ValueKind == JsonValueKind.Null || TokenId(key, value) is not (>= 0 and var id) ? null : id;
    }

    /// <summary>Token ids, written as one number or an array; none for null; <paramref name="absent"/> if the key is missing.</summary>
    public ImmutableArray<int> TokenIds(string key, ImmutableArray<int> absent)
    {
        if (!_object.TryGetProperty(key, out var value)) return absent;
        if (value.ValueKind != JsonValueKind.Array) return TokenId(key, null) is { } id ? [id] : [];
        var ids = ImmutableArray.CreateBuilder<int>(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
            if (TokenId(key, item) is >= 0 and var element) ids.Add(element);
        return ids.DrainToImmutable();
    }

    /// <summary>Lists of token ids; none if the key is missing or null.</summary>
    public ImmutableArray<ImmutableArray<int>> TokenIdLists(string key)
    {
        var lists = ImmutableArray.CreateBuilder<ImmutableArray<int>>();
        foreach (var list in Items(key)) lists.Add(TokenIdList(key, list));
        return lists.DrainToImmutable();
    }

    /// <summary>Pairs of a list of token ids and a number; none if the key is missing or null.</summary>
    public ImmutableArray<(ImmutableArray<int> Ids, double Number)> Pairs(string key)
    {
        var pairs = ImmutableArray.CreateBuilder<(ImmutableArray<int>, double)>();
        foreach (var pair in Items(key))
        {
            if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2) throw Fault(key, "pairs of a list of token ids and a number were expected");
            pairs.Add((TokenIdList(key, pair[0]), Number(key, pair[1])));
        }

        return pairs.DrainToImmutable();
    }

    /// <summary>Finite numbers, null if the key is missing or null.</summary>
    public double[]? Numbers(string key)
    {
        if (!TryGet(key, out _)) return null;
        var numbers = new List<double>();
        foreach (var item in Items(key)) numbers.Add(Number(key, item));
        return [.. numbers];
    }

    /// <summary>Strings, written as one or as an array; none if the key is missing or null.</summary>
    public ImmutableArray<string> Strings(string key)
    {
        if (IsString(key)) return [String(key)!];
        var strings = ImmutableArray.CreateBuilder<string>();
        foreach (var item in Items(key)) strings.Add(Text(key, item));
        return strings.DrainToImmutable();
    }

    /// <summary>The error for one key of this object.</summary>
    public MalformedFileException Fault(string key, string expectation, Exception? innerException = null) =>
        new(_file, $"{_prefix}{key}", expectation, innerException);

    // Half a surrogate pair, escaped, is valid JSON: no key could be looked up beside it.
    private static void CheckNames(ReadOnlySpan<byte> json, string file)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
                if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueIsEscaped) reader.GetString();
        }
        catch (InvalidOperationException e)
        {
            throw new MalformedFileException(file, $"byte {reader.TokenStartIndex}", "a key of valid text was expected", e);
        }
    }

    private bool TryGet(string key, out JsonElement value) =>
        _object.TryGetProperty(key, out value) && value.ValueKind != JsonValueKind.Null;

    private string Text(string key, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String) throw Fault(key, "a string was expected");
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            // An escaped lone surrogate, or bytes that are no UTF-8.
            throw Fault(key, "a string of valid text was expected", e);
        }
    }

    private JsonElement.ArrayEnumerator Items(string key) => !TryGet(key, out var value)
        ? default
        : value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw Fault(key, "an array was expected");

    private ImmutableArray<int> TokenIdList(string key, JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array) throw Fault(key, "lists of token ids were expected");
        var ids = ImmutableArray.CreateBuilder<int>(list.GetArrayLength());
        foreach (var item in list.EnumerateArray()) ids.Add(TokenId(key, item));
        return ids.DrainToImmutable();
    }

    private double Number(string key, JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
        ? number
        : throw Fault(key, "a finite number was expected");

    private int TokenId(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var id) && id >= -1
            ? id
            : throw Fault(key, "a token id was expected, a whole number from 0");
}
