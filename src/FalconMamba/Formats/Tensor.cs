using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FalconMamba.Formats;

/// <summary>
/// A named block of numbers as a file stores it: type, shape and bytes, read in place from a <see cref="MappedFile"/> or
/// owned in memory. Row-major, the last dimension contiguous. The bytes need not be aligned to the element.
/// </summary>
public sealed unsafe class Tensor
{
    // Decoding goes through spans, whose lengths are 32 bits, so that long tensors are taken in parts.
    private const int DecodeElements = 1 << 20;

    private readonly byte[]? _memory;
    private readonly long _offset;

    private Tensor(string name, TensorType type, ImmutableArray<long> shape, long elementCount, long byteLength, MappedFile? owner, byte[]? memory, long offset)
    {
        Name = name;
        Type = type;
        Shape = shape;
        ElementCount = elementCount;
        ByteLength = byteLength;
        Owner = owner;
        _memory = memory;
        _offset = offset;
    }

    /// <summary>The tensor's name in its file.</summary>
    public string Name { get; }

    /// <summary>How the elements are stored.</summary>
    public TensorType Type { get; }

    /// <summary>The dimensions, outermost first; empty for a scalar.</summary>
    public ImmutableArray<long> Shape { get; }

    /// <summary>The product of the dimensions, 1 for a scalar.</summary>
    public long ElementCount { get; }

    /// <summary>How many bytes the elements take.</summary>
    public long ByteLength { get; }

    /// <summary>The file the bytes lie in, which must stay open while they are read; null when the tensor owns them.</summary>
    public MappedFile? Owner { get; }

    /// <summary>The place of the first byte in the <see cref="Owner"/>; 0 when the tensor owns its bytes.</summary>
    public long FileOffset => _offset;

    /// <summary>All bytes, valid until the <see cref="Owner"/> is disposed.</summary>
    /// <exception cref="InvalidOperationException">The tensor is longer than a span can be; use <see cref="Slice"/>.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public ReadOnlySpan<byte> Bytes => ByteLength <= int.MaxValue
        ? Slice(0, (int)ByteLength)
        : throw new InvalidOperationException($"Tensor {Name} has {ByteLength} bytes, more than one span can hold: read it in slices.");

    /// <summary>The first byte; the caller keeps the tensor reachable and its file open.</summary>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    internal byte* Pointer => _memory is null
        ? Owner!.Pointer + _offset
        : (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_memory));

    /// <summary>A tensor that owns a copy of the values; its type is that of <typeparamref name="T"/>.</summary>
    /// <typeparam name="T">double, float, Half, a signed or unsigned integer of 8 to 64 bits, or bool.</typeparam>
    /// <param name="name">The tensor's name.</param>
    /// <param name="shape">The dimensions, outermost first; empty for a scalar.</param>
    /// <param name="values">As many values as the shape has, row-major.</param>
    /// <exception cref="ArgumentException">The shape and the values do not fit each other, or T is no element type.</exception>
    public static Tensor FromArray<T>(string name, ReadOnlySpan<long> shape, ReadOnlySpan<T> values)
        where T : unmanaged => FromBytes(name, TypeOf<T>(), shape, MemoryMarshal.AsBytes(values));

    /// <summary>A tensor that owns a copy of stored bytes.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="type">How the elements are stored.</param>
    /// <param name="shape">The dimensions, outermost first; empty for a scalar.</param>
    /// <param name="bytes">Exactly the bytes of the shape.</param>
    /// <exception cref="ArgumentException">The shape does not take as many bytes.</exception>
    public static Tensor FromBytes(string name, TensorType type, ReadOnlySpan<long> shape, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!TensorTypes.TryMeasure(type, shape, out var elementCount, out var byteLength) || byteLength != bytes.Length)
            throw new ArgumentException($"A tensor of type {type} and shape [{string.Join(", ", shape.ToArray())}] does not have {bytes.Length} bytes.", nameof(bytes));
        // Pinned, so that kernels can keep a pointer.
        var memory = GC.AllocateUninitializedArray<byte>(bytes.Length, pinned: true);
        bytes.CopyTo(memory);
        return new Tensor(name, type, [.. shape], elementCount, byteLength, null, memory, 0);
    }

    /// <summary>Some of the bytes, valid until the <see cref="Owner"/> is disposed.</summary>
    /// <param name="offset">The first byte, from the tensor's start.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the tensor.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, ByteLength - length);
        return _memory is null ? Owner!.Slice(_offset + offset, length) : _memory.AsSpan((int)offset, length);
    }

    /// <summary>Decodes every element into an array.</summary>
    /// <exception cref="InvalidOperationException">The tensor has more elements than an array can hold.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public float[] ToSingle()
    {
        if (ElementCount > Array.MaxLength)
            throw new InvalidOperationException($"Tensor {Name} has {ElementCount} elements, more than one array can hold.");
        var values = new float[ElementCount];
        CopyTo(values);
        return values;
    }

    /// <summary>Decodes every element, row-major.</summary>
    /// <param name="destination">Room for at least <see cref="ElementCount"/> values; what is beyond stays as it is.</param>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public void CopyTo(Span<float> destination) => Decode(0, Whole(destination));

    /// <inheritdoc cref="CopyTo(Span{float})"/>
    public void CopyTo(Span<double> destination) => Decode(0, Whole(destination));

    /// <summary>Decodes a run of elements, such as a row.</summary>
    /// <param name="start">The first element, row-major; the start of a block for block formats.</param>
    /// <param name="destination">Filled with the elements from there; whole blocks for block formats.</param>
    /// <exception cref="ArgumentException">The run is not inside the tensor, or cuts a block.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public void CopyTo(long start, Span<float> destination) => Decode(start, destination);

    /// <inheritdoc cref="CopyTo(long, Span{float})"/>
    public void CopyTo(long start, Span<double> destination) => Decode(start, destination);

    /// <summary>Type, shape and name, as in an error message.</summary>
    public override string ToString() => $"{Name} {Type} [{string.Join(", ", Shape)}]";

    /// <summary>A tensor inside a mapped file. The caller has checked that the range is there and is the shape's size.</summary>
    internal static Tensor FromFile(string name, TensorType type, ImmutableArray<long> shape, long elementCount, MappedFile owner, long offset, long byteLength) =>
        new(name, type, shape, elementCount, byteLength, owner, null, offset);

    private static TensorType TypeOf<T>() => default(T) switch
    {
        double => TensorType.F64,
        float => TensorType.F32,
        Half => TensorType.F16,
        long => TensorType.I64,
        int => TensorType.I32,
        short => TensorType.I16,
        sbyte => TensorType.I8,
        ulong => TensorType.U64,
        uint => TensorType.U32,
        ushort => TensorType.U16,
        byte => TensorType.U8,
        bool => TensorType.Bool,
        _ => throw new ArgumentException($"{typeof(T)} is no element type of a tensor."),
    };

    private Span<T> Whole<T>(Span<T> destination) => destination.Length >= ElementCount
        ? destination[..(int)ElementCount]
        : throw new ArgumentException($"Tensor {Name} has {ElementCount} elements, the destination {destination.Length}.", nameof(destination));

    private void Decode<T>(long start, Span<T> destination)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var info = Type.Info();
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, ElementCount - destination.Length);
        if (start % info.BlockLength != 0 || destination.Length % info.BlockLength != 0)
            throw new ArgumentException($"Elements {start} to {start + destination.Length} of tensor {Name} cut a block of {info.BlockLength}.", nameof(start));
        do
        {
            var part = destination[..Math.Min(destination.Length, DecodeElements)];
            TensorDecoder.Decode(Type, Slice(start / info.BlockLength * info.BlockBytes, part.Length / info.BlockLength * info.BlockBytes), part);
            destination = destination[part.Length..];
            start += part.Length;
        }
        while (destination.Length > 0);
    }
}
