using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace FalconMamba.Formats.Gguf;

/// <summary>
/// One value of a GGUF file's metadata, read in place: long vocabularies cost nothing until they are asked for. Valid until
/// the file is disposed.
/// </summary>
public readonly struct GgufValue
{
    private readonly MappedFile _file;
    private readonly string _key;
    private readonly long _offset;

    internal GgufValue(MappedFile file, string key, GgufValueType type, GgufValueType? elementType, long count, long offset)
    {
        _file = file;
        _key = key;
        Type = type;
        ElementType = elementType;
        Count = count;
        _offset = offset;
    }

    /// <summary>The value's type.</summary>
    public GgufValueType Type { get; }

    /// <summary>The type of an array's elements; null for other values.</summary>
    public GgufValueType? ElementType { get; }

    /// <summary>The number of an array's elements or of a text's bytes; 1 for other values.</summary>
    public long Count { get; }

    /// <summary>A text's bytes, which need not be UTF-8.</summary>
    /// <exception cref="MalformedFileException">The value is no text.</exception>
    public ReadOnlySpan<byte> TextBytes => Type == GgufValueType.Text ? _file.Slice(_offset, (int)Count) : throw Expected("a text");

    /// <summary>An array's elements, in order.</summary>
    /// <exception cref="MalformedFileException">The value is no array.</exception>
    public IEnumerable<GgufValue> Items => Type == GgufValueType.Array ? Walk() : throw Expected("an array");

    /// <summary>A whole number of any width.</summary>
    /// <exception cref="MalformedFileException">The value is no whole number, or one from 2^63 on.</exception>
    public long ToInt64() => Type switch
    {
        GgufValueType.U8 => Bytes(1)[0],
        GgufValueType.I8 => (sbyte)Bytes(1)[0],
        GgufValueType.U16 => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2)),
        GgufValueType.I16 => BinaryPrimitives.ReadInt16LittleEndian(Bytes(2)),
        GgufValueType.U32 => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4)),
        GgufValueType.I32 => BinaryPrimitives.ReadInt32LittleEndian(Bytes(4)),
        GgufValueType.U64 => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8)) is <= long.MaxValue and var number ? (long)number : throw Expected("a number below 2^63"),
        GgufValueType.I64 => BinaryPrimitives.ReadInt64LittleEndian(Bytes(8)),
        _ => throw Expected("a whole number"),
    };

    /// <summary>A number. One of 32 bits becomes the double with the same shortest decimal form: 1e-5f is 1e-5.</summary>
    /// <exception cref="MalformedFileException">The value is no number.</exception>
    public double ToDouble() => Type switch
    {
        GgufValueType.F32 => double.Parse(BinaryPrimitives.ReadSingleLittleEndian(Bytes(4)).ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
        GgufValueType.F64 => BinaryPrimitives.ReadDoubleLittleEndian(Bytes(8)),
        GgufValueType.Bool or GgufValueType.Text or GgufValueType.Array => throw Expected("a number"),
        _ => ToInt64(),
    };

    /// <summary>True or false; every byte but 0 is true.</summary>
    /// <exception cref="MalformedFileException">The value is no boolean.</exception>
    public bool ToBoolean() => Type == GgufValueType.Bool ? Bytes(1)[0] != 0 : throw Expected("true or false");

    /// <summary>A text.</summary>
    /// <exception cref="MalformedFileException">The value is no text, or not UTF-8.</exception>
    public string ToText() => System.Text.Unicode.Utf8.IsValid(TextBytes) ? Encoding.UTF8.GetString(TextBytes) : throw Fault("UTF-8 was expected, other bytes were found");

    /// <summary>The value for a reader's eyes: numbers and texts as they are, an array as its type and count.</summary>
    public override string ToString() => Type switch
    {
        GgufValueType.Text => Encoding.UTF8.GetString(TextBytes),
        GgufValueType.Array => $"{ElementType}[{Count}]",
        GgufValueType.Bool => ToBoolean() ? "true" : "false",
        GgufValueType.U64 => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8)).ToString(CultureInfo.InvariantCulture),
        GgufValueType.F32 or GgufValueType.F64 => ToDouble().ToString("R", CultureInfo.InvariantCulture),
        _ => ToInt64().ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>The error that this key's value is not what was expected.</summary>
    internal MalformedFileException Fault(string expectation) => new(_file.Path, $"key {Excerpt.Of(_key)}", expectation);

    private MalformedFileException Expected(string what) => Fault($"{what} was expected, it is {(Type == GgufValueType.Array ? $"an array of {ElementType}" : $"of type {Type}")}");

    private ReadOnlySpan<byte> Bytes(int length) => _file.Slice(_offset, length);

    private IEnumerable<GgufValue> Walk()
    {
        var cursor = new GgufCursor(_file, _offset);
        for (long i = 0; i < Count; i++) yield return cursor.Skip(ElementType!.Value, _key, _key, 0);
    }
}
