using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Numerics;

namespace FalconMamba.Formats.Gguf;

/// <summary>
/// Reads a GGUF file's header: magic, version, counts, metadata, tensor table. Tensors must lie inside the file, on the
/// alignment, apart from each other; gaps and any order are allowed, as the specification does.
/// </summary>
internal sealed class GgufHeader
{
    public const uint Magic = 0x46554747;
    public const string AlignmentKey = "general.alignment";
    public const int DefaultAlignment = 32;
    public const int LongestKey = (1 << 16) - 1, LongestTensorName = 64, MostDimensions = 4;
    private const int LeastAlignment = 8, LargestAlignment = 1 << 20;

    // Key length, one letter, type, one byte of value; name length, number of dimensions, type, offset.
    private const int LeastKeyBytes = 14, LeastTensorBytes = 24;

    private readonly MappedFile _file;
    private readonly OrderedDictionary<string, GgufValue> _metadata = new(StringComparer.Ordinal);
    private readonly OrderedDictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    private GgufHeader(MappedFile file) => _file = file;

    public int Version { get; private set; }

    public int Alignment { get; private set; } = DefaultAlignment;

    public long DataStart { get; private set; }

    public IReadOnlyDictionary<string, GgufValue> Metadata => _metadata;

    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    /// <summary>Reads and checks a file's header.</summary>
    /// <exception cref="MalformedFileException">The file is not valid GGUF.</exception>
    public static GgufHeader Read(MappedFile file)
    {
        var header = new GgufHeader(file);
        header.Read();
        return header;
    }

    private void Read()
    {
        var cursor = new GgufCursor(_file, 0);
        if (_file.Length < sizeof(uint) || cursor.ReadUInt32("magic") != Magic)
        {
            throw new MalformedFileException(
                _file.Path, "byte 0", ForeignContent.Describe(_file, "GGUF") ?? "a GGUF file was expected, it does not begin with \"GGUF\"");
        }

        ReadVersion(ref cursor);
        var tensorCount = cursor.ReadCount(LeastTensorBytes, "number of tensors");
        var keyCount = cursor.ReadCount(LeastKeyBytes, "number of keys");
        for (long i = 0; i < keyCount; i++)
        {
            var key = cursor.ReadName(LongestKey, $"key {i}");
            if (!_metadata.TryAdd(key, cursor.ReadValue(key)))
                throw new MalformedFileException(_file.Path, $"key {Excerpt.Of(key)}", "the key must be used once, it is used twice");
        }

        if (_metadata.TryGetValue(AlignmentKey, out var alignment)) ReadAlignment(alignment);
        var table = new List<(string Name, TensorType Type, ImmutableArray<long> Shape, ulong Offset)>();
        for (long i = 0; i < tensorCount; i++) table.Add(ReadTensor(ref cursor, i));

        var mask = (long)Alignment - 1;
        DataStart = (cursor.Position + mask) & ~mask;
        foreach (var (name, type, shape, offset) in table) AddTensor(name, type, shape, offset);
        CheckOverlaps();
    }

    private void ReadVersion(ref GgufCursor cursor)
    {
        var version = cursor.ReadUInt32("version");
        if (version is not (2 or 3))
        {
            throw new MalformedFileException(_file.Path, "version at byte 4", BinaryPrimitives.ReverseEndianness(version) is 2 or 3
                ? "a little-endian file was expected, this one is big-endian"
                : $"version 2 or 3 was expected, found {version}");
        }

        Version = (int)version;
    }

    private void ReadAlignment(GgufValue value)
    {
        var alignment = value.Type == GgufValueType.U32 ? value.ToInt64() : throw value.Fault($"a number of type {GgufValueType.U32} was expected, it is of type {value.Type}");
        if (alignment is < LeastAlignment or > LargestAlignment || !BitOperations.IsPow2(alignment))
            throw value.Fault($"a power of two from {LeastAlignment} to {LargestAlignment} was expected, found {alignment}");
        Alignment = (int)alignment;
    }

    private (string Name, TensorType Type, ImmutableArray<long> Shape, ulong Offset) ReadTensor(ref GgufCursor cursor, long index)
    {
        var name = cursor.ReadName(LongestTensorName, $"name of tensor {index}");
        var place = $"tensor {Excerpt.Of(name)}";
        var rank = cursor.ReadUInt32(place);
        if (rank > MostDimensions) throw Fault(name, $"at most {MostDimensions} dimensions were expected, found {rank}");
        Span<long> shape = stackalloc long[(int)rank];

        // The file has the innermost dimension first.
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            var dimension = cursor.ReadUInt64(place);
            shape[i] = dimension <= long.MaxValue ? (long)dimension : throw Fault(name, $"a dimension below 2^63 was expected, found {dimension}");
        }

        var type = cursor.ReadUInt32(place);
        return TensorTypes.TryGetGgufType(type, out var info)
            ? (name, info.Type, [.. shape], cursor.ReadUInt64(place))
            : throw Fault(name, $"a known tensor type was expected, found {type}");
    }

    private void AddTensor(string name, TensorType type, ImmutableArray<long> shape, ulong offset)
    {
        if (!TensorTypes.TryMeasure(type, shape.AsSpan(), out var elements, out var bytes))
            throw Fault(name, $"a size that fits 64 bits and rows of whole blocks of {type.Info().BlockLength} were expected, its shape is [{string.Join(", ", shape)}] of {type}");
        if (offset % (ulong)Alignment != 0) throw Fault(name, $"an offset that is a multiple of {Alignment} was expected, found {offset}");
        var dataLength = Math.Max(0, _file.Length - DataStart);
        if (offset > (ulong)dataLength || bytes > dataLength - (long)offset)
            throw Fault(name, $"{bytes} bytes from byte {offset} of the data were expected, the data has {dataLength}: the file may be cut off, so fetch it again");
        if (!_tensors.TryAdd(name, Tensor.FromFile(name, type, shape, elements, _file, DataStart + (long)offset, bytes)))
            throw Fault(name, "the name must be used once, it is used twice");
    }

    private void CheckOverlaps()
    {
        long end = 0;
        foreach (var tensor in _tensors.Values.Where(tensor => tensor.ByteLength > 0).OrderBy(tensor => tensor.FileOffset))
        {
            if (tensor.FileOffset < end) throw Fault(tensor.Name, $"bytes of its own were expected, its data begins {end - tensor.FileOffset} bytes before the end of another tensor's");
            end = tensor.FileOffset + tensor.ByteLength;
        }
    }

    private MalformedFileException Fault(string name, string expectation) => new(_file.Path, $"tensor {Excerpt.Of(name)}", expectation);
}
