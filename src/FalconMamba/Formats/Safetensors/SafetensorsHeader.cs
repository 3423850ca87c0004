using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;

namespace FalconMamba.Formats.Safetensors;

/// <summary>
/// Reads the header of a safetensors file: eight bytes of length, then a JSON object that gives every tensor's type,
/// shape and place. Nothing is allocated by a size that only the file claims.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>Length of the length.</summary>
    public const int PrefixBytes = 8;

    /// <summary>The longest header the specification allows.</summary>
    public const int LongestBytes = 100_000_000;

    /// <summary>The key that holds strings instead of a tensor.</summary>
    public const string MetadataKey = "__metadata__";

    // More than any array library has; bounds the buffer of a shape.
    private const int MostDimensions = 64;

    // The format needs three levels; what unknown keys hold is skipped, but not without end.
    private const int DeepestNesting = 16;

    private readonly MappedFile _file;
    private readonly long _dataStart;
    private readonly Dictionary<string, Tensor> _tensors = [];
    private readonly List<(Tensor Tensor, long Begin, long End)> _ranges = [];
    private Dictionary<string, string>? _metadata;

    private SafetensorsHeader(MappedFile file, long dataStart)
    {
        _file = file;
        _dataStart = dataStart;
    }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    /// <summary>The tensors by ascending place in the file.</summary>
    public IReadOnlyList<Tensor> InFileOrder { get; private set; } = [];

    /// <summary>The strings under <see cref="MetadataKey"/>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata ?? [];

    /// <summary>Reads and checks a file's header.</summary>
    /// <exception cref="MalformedFileException">The file is not valid safetensors.</exception>
    public static SafetensorsHeader Read(MappedFile file)
    {
        var length = ReadLength(file);
        var header = new SafetensorsHeader(file, PrefixBytes + length);
        var json = file.Slice(PrefixBytes, length);
        if (json[0] != (byte)'{') throw header.Fault($"byte {PrefixBytes}", "the header must begin with '{'");
        if (!Utf8.IsValid(json)) throw header.Fault("header", "UTF-8 was expected, other bytes were found");

        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DeepestNesting });
        try
        {
            header.ReadObject(ref reader);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escaped lone surrogate, which is no text.
            throw header.Fault($"byte {PrefixBytes + reader.BytesConsumed}", "valid JSON was expected in the header", e);
        }

        header.CheckRanges();
        return header;
    }

    private static int ReadLength(MappedFile file)
    {
        var length = file.Length < PrefixBytes ? ulong.MaxValue : BinaryPrimitives.ReadUInt64LittleEndian(file.Slice(0, PrefixBytes));
        if (length <= LongestBytes && (long)length <= file.Length - PrefixBytes)
            return length > 0 ? (int)length : throw new MalformedFileException(file.Path, "byte 0", "a header was expected, its length is 0");

        // Only a file that cannot be safetensors is judged by its first bytes: they could be a header's length.
        if (ForeignContent.Describe(file, "safetensors") is { } foreign) throw new MalformedFileException(file.Path, "byte 0", foreign);
        throw new MalformedFileException(file.Path, "byte 0", file.Length < PrefixBytes
            ? $"a header length of {PrefixBytes} bytes was expected, the file has {file.Length}"
            : $"a header of at most {Math.Min(LongestBytes, file.Length - PrefixBytes)} bytes was expected, its length says {length}");
    }

    private void ReadObject(ref Utf8JsonReader reader)
    {
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals(MetadataKey))
            {
                ReadMetadata(ref reader);
                continue;
            }

            var name = reader.GetString()!;
            if (_tensors.ContainsKey(name)) throw TensorFault(name, "the name must be used once, it is used twice");
            ReadTensor(ref reader, name);
        }

        // Padding with spaces is allowed, a second value is not: the reader throws on it.
        while (reader.Read()) { }
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (_metadata is not null) throw Fault(MetadataKey, "one object was expected, there are two");
        _metadata = [];
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw Fault(MetadataKey, "an object of strings was expected");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String) throw Fault($"{MetadataKey}, key {Excerpt.Of(key)}", "a string was expected");
            if (!_metadata.TryAdd(key, reader.GetString()!)) throw Fault($"{MetadataKey}, key {Excerpt.Of(key)}", "the key must be used once, it is used twice");
        }
    }

    private void ReadTensor(ref Utf8JsonReader reader, string name)
    {
        TensorTypeInfo? type = null;
        Span<long> dimensions = stackalloc long[MostDimensions];
        Span<long> offsets = stackalloc long[2];
        int rank = -1, offsetCount = -1;

        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw TensorFault(name, "an object with dtype, shape and data_offsets was expected");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("dtype"u8))
            {
                if (type is not null) throw TensorFault(name, "one dtype was expected, there are two");
                reader.Read();
                if (reader.TokenType != JsonTokenType.String) throw TensorFault(name, "dtype must be a string");
                if (!TensorTypes.TryGetSafetensorsType(ref reader, out type))
                    throw TensorFault(name, $"a known dtype was expected, found {Excerpt.Of(reader.GetString()!)}");
            }
            else if (reader.ValueTextEquals("shape"u8))
            {
                if (rank >= 0) throw TensorFault(name, "one shape was expected, there are two");
                rank = ReadNumbers(ref reader, dimensions, name, "shape");
            }
            else if (reader.ValueTextEquals("data_offsets"u8))
            {
                if (offsetCount >= 0) throw TensorFault(name, "one data_offsets was expected, there are two");
                offsetCount = ReadNumbers(ref reader, offsets, name, "data_offsets");
            }
            else
            {
                // The reference reader skips other keys too.
                reader.Skip();
            }
        }

        if (type is null) throw TensorFault(name, "dtype is missing");
        if (rank < 0) throw TensorFault(name, "shape is missing");
        if (offsetCount != 2) throw TensorFault(name, "data_offsets must be two numbers, begin and end");
        AddTensor(name, type.Type, dimensions[..rank], offsets[0], offsets[1]);
    }

    private void AddTensor(string name, TensorType type, ReadOnlySpan<long> shape, long begin, long end)
    {
        var dataLength = _file.Length - _dataStart;
        if (begin > end) throw TensorFault(name, $"data_offsets must ascend, found {begin} to {end}");
        if (end > dataLength) throw TensorFault(name, $"data was expected to end by byte {dataLength} of the data, it ends at {end}: the file may be cut off, so fetch it again");
        if (!TensorTypes.TryMeasure(type, shape, out var elementCount, out var byteLength))
            throw TensorFault(name, "a shape whose size fits 64 bits was expected");
        if (byteLength != end - begin)
            throw TensorFault(name, $"its dtype and shape take {byteLength} bytes, its data_offsets span {end - begin}");

        var tensor = Tensor.FromFile(name, type, [.. shape], elementCount, _file, _dataStart + begin, byteLength);
        _tensors.Add(name, tensor);
        _ranges.Add((tensor, begin, end));
    }

    private int ReadNumbers(ref Utf8JsonReader reader, scoped Span<long> numbers, string name, string key)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray) throw TensorFault(name, $"{key} must be an array");
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (count == numbers.Length) throw TensorFault(name, $"{key} must have at most {numbers.Length} numbers");
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
                throw TensorFault(name, $"{key} must hold whole numbers from 0 to 2^63 - 1");
            numbers[count++] = number;
        }

        return count;
    }

    private void CheckRanges()
    {
        _ranges.Sort(static (a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long covered = 0;
        foreach (var (tensor, begin, end) in _ranges)
        {
            if (begin != covered)
                throw TensorFault(tensor.Name, $"its data was expected to begin at {covered}, where the data before it ends, it begins at {begin}");
            covered = end;
        }

        if (covered != _file.Length - _dataStart)
            throw Fault($"byte {_dataStart + covered}", $"the end of the file was expected after the last tensor, {_file.Length - _dataStart - covered} more bytes follow");
        var ordered = new Tensor[_ranges.Count];
        for (var i = 0; i < ordered.Length; i++) ordered[i] = _ranges[i].Tensor;
        InFileOrder = ordered;
        _ranges.Clear();
    }

    private MalformedFileException TensorFault(string name, string expectation) => Fault($"tensor {Excerpt.Of(name)}", expectation);

    private MalformedFileException Fault(string place, string expectation, Exception? innerException = null) =>
        new(_file.Path, place, expectation, innerException);
}
