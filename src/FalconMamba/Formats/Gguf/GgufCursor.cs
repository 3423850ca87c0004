using System.Buffers.Binary;
using System.Text;

namespace FalconMamba.Formats.Gguf;

/// <summary>
/// Reads a GGUF header front to back. Every length and count is held against what is left of the file before anything is
/// read, skipped or allocated by it.
/// </summary>
internal struct GgufCursor
{
    // The specification allows arrays of arrays and sets no bound; no writer nests them.
    private const int DeepestNesting = 4;

    private readonly MappedFile _file;

    public GgufCursor(MappedFile file, long position)
    {
        _file = file;
        Position = position;
    }

    /// <summary>The next byte to read.</summary>
    public long Position { get; private set; }

    /// <summary>The bytes behind <see cref="Position"/>.</summary>
    public readonly long Remaining => _file.Length - Position;

    /// <summary>An unsigned number of 32 bits.</summary>
    public uint ReadUInt32(string place) => BinaryPrimitives.ReadUInt32LittleEndian(Read(sizeof(uint), place));

    /// <summary>An unsigned number of 64 bits.</summary>
    public ulong ReadUInt64(string place) => BinaryPrimitives.ReadUInt64LittleEndian(Read(sizeof(ulong), place));

    /// <summary>A count of things that take at least <paramref name="leastBytes"/> each in what is left of the file.</summary>
    public long ReadCount(int leastBytes, string place)
    {
        var start = Position;
        var count = ReadUInt64(place);
        var most = (ulong)Remaining / (ulong)leastBytes;
        return count <= most ? (long)count : throw Fault(start, place, $"a count of at most {most} was expected in a file of {_file.Length} bytes, found {count}");
    }

    /// <summary>A length and as many bytes.</summary>
    public ReadOnlySpan<byte> ReadText(int longest, string place)
    {
        var start = Position;
        var length = ReadUInt64(place);
        var most = (ulong)Math.Min(longest, Remaining);
        return length <= most ? Read((int)length, place) : throw Fault(start, place, $"a length of at most {most} was expected, found {length}");
    }

    /// <summary>A name: UTF-8, not empty, of at most <paramref name="longest"/> bytes.</summary>
    public string ReadName(int longest, string place)
    {
        var start = Position;
        var bytes = ReadText(longest, place);
        if (bytes.IsEmpty) throw Fault(start, place, "a name was expected, it is empty");
        if (!System.Text.Unicode.Utf8.IsValid(bytes)) throw Fault(start, place, "UTF-8 was expected, other bytes were found");
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>Checks a value of metadata, passes over it, and tells where it lies.</summary>
    public GgufValue ReadValue(string key)
    {
        var place = $"key {Excerpt.Of(key)}";
        var type = ReadType(place);
        return Skip(type, key, place, 0);
    }

    /// <summary>Passes over a value whose type is known.</summary>
    internal GgufValue Skip(GgufValueType type, string key, string place, int depth)
    {
        var start = Position;
        switch (type)
        {
            case GgufValueType.Text:
                var length = ReadText(int.MaxValue, place).Length;
                return new GgufValue(_file, key, type, null, length, start + sizeof(ulong));
            case GgufValueType.Array:
                if (depth == DeepestNesting) throw Fault(start, place, $"arrays nested at most {DeepestNesting} deep were expected");
                var elementType = ReadType(place);
                var count = ReadCount(LeastBytes(elementType), place);
                var value = new GgufValue(_file, key, type, elementType, count, Position);
                if (SizeOf(elementType) is > 0 and var size) Position += count * size;
                else
                    for (long i = 0; i < count; i++) Skip(elementType, key, place, depth + 1);
                return value;
            default:
                Read(SizeOf(type), place);
                return new GgufValue(_file, key, type, null, 1, start);
        }
    }

    /// <summary>The bytes of a type of fixed size, 0 for the others.</summary>
    internal static int SizeOf(GgufValueType type) => type switch
    {
        GgufValueType.U8 or GgufValueType.I8 or GgufValueType.Bool => 1,
        GgufValueType.U16 or GgufValueType.I16 => 2,
        GgufValueType.U32 or GgufValueType.I32 or GgufValueType.F32 => 4,
        GgufValueType.U64 or GgufValueType.I64 or GgufValueType.F64 => 8,
        _ => 0,
    };

    private static int LeastBytes(GgufValueType type) => type switch
    {
        GgufValueType.Text => sizeof(ulong),
        GgufValueType.Array => sizeof(uint) + sizeof(ulong),
        _ => SizeOf(type),
    };

    private GgufValueType ReadType(string place)
    {
        var start = Position;
        var type = ReadUInt32(place);
        return type <= (uint)GgufValueType.F64 ? (GgufValueType)type : throw Fault(start, place, $"a value type from 0 to {(uint)GgufValueType.F64} was expected, found {type}");
    }

    private ReadOnlySpan<byte> Read(int length, string place)
    {
        if (length > Remaining) throw Fault(Position, place, $"{length} more bytes were expected, the file ends after {Remaining}");
        var bytes = _file.Slice(Position, length);
        Position += length;
        return bytes;
    }

    private readonly MalformedFileException Fault(long at, string place, string expectation) => new(_file.Path, $"{place} at byte {at}", expectation);
}
