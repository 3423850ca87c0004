using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FalconMamba.Quantization;

namespace FalconMamba.Formats;

/// <summary>
/// Turns stored elements into floating-point numbers, one value at a time and exactly (integers above the mantissa are
/// rounded to nearest; block formats to float32 as ggml does). Files are little-endian, as every machine .NET 10 supports for this library.
/// </summary>
internal static class TensorDecoder
{
    private static readonly float[] E4M3 = [.. Enumerable.Range(0, 256).Select(bits => DecodeE4M3((byte)bits))];

    /// <summary>Decodes <paramref name="destination"/>.Length elements; <paramref name="source"/> may be unaligned.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <exception cref="ArgumentException">The bytes are not exactly those of the elements.</exception>
    public static void Decode<T>(TensorType type, ReadOnlySpan<byte> source, Span<T> destination)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var info = type.Info();
        if (destination.Length % info.BlockLength != 0 || source.Length != (long)destination.Length / info.BlockLength * info.BlockBytes)
            throw new ArgumentException($"{destination.Length} elements of {type} do not take {source.Length} bytes");
        switch (type)
        {
            case TensorType.F64: Convert<double, T>(source, destination); break;
            case TensorType.F32: Convert<float, T>(source, destination); break;
            case TensorType.F16: Convert<Half, T>(source, destination); break;
            case TensorType.BF16:
                for (var i = 0; i < destination.Length; i++)
                    destination[i] = T.CreateTruncating(BitConverter.UInt32BitsToSingle((uint)MemoryMarshal.Read<ushort>(source[(2 * i)..]) << 16));
                break;
            case TensorType.F8E4M3:
                for (var i = 0; i < destination.Length; i++) destination[i] = T.CreateTruncating(E4M3[source[i]]);
                break;
            case TensorType.F8E5M2:
                for (var i = 0; i < destination.Length; i++)
                    destination[i] = T.CreateTruncating(BitConverter.UInt16BitsToHalf((ushort)(source[i] << 8)));
                break;
            case TensorType.I64: Convert<long, T>(source, destination); break;
            case TensorType.I32: Convert<int, T>(source, destination); break;
            case TensorType.I16: Convert<short, T>(source, destination); break;
            case TensorType.I8: Convert<sbyte, T>(source, destination); break;
            case TensorType.U64: Convert<ulong, T>(source, destination); break;
            case TensorType.U32: Convert<uint, T>(source, destination); break;
            case TensorType.U16: Convert<ushort, T>(source, destination); break;
            case TensorType.U8: Convert<byte, T>(source, destination); break;
            case TensorType.Bool:
                for (var i = 0; i < destination.Length; i++) destination[i] = source[i] == 0 ? T.Zero : T.One;
                break;
            default:
                var format = BlockFormats.Find(type) ?? throw new NotSupportedException($"Tensors of type {type} cannot be decoded.");
                DecodeBlocks(format, source, destination);
                break;
        }
    }

    // Block formats decode to float32 by definition; double holds the same values.
    private static void DecodeBlocks<T>(BlockFormat format, ReadOnlySpan<byte> source, Span<T> destination)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
        {
            format.Dequantize(source, MemoryMarshal.Cast<T, float>(destination));
            return;
        }

        var info = format.Type.Info();
        Span<float> values = stackalloc float[info.BlockLength];
        for (; destination.Length > 0; destination = destination[values.Length..], source = source[info.BlockBytes..])
        {
            format.Dequantize(source[..info.BlockBytes], values);
            for (var i = 0; i < values.Length; i++) destination[i] = T.CreateTruncating(values[i]);
        }
    }

    // Runs over every small tensor while a model loads, which is over before the runtime would optimize it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Convert<TSource, T>(ReadOnlySpan<byte> source, Span<T> destination)
        where TSource : unmanaged, INumber<TSource>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(TSource) == typeof(T))
        {
            source.CopyTo(MemoryMarshal.AsBytes(destination));
            return;
        }

        for (var i = 0; i < destination.Length; i++)
            destination[i] = T.CreateTruncating(MemoryMarshal.Read<TSource>(source[(i * sizeof(TSource))..]));
    }

    // OCP 8-bit floating point, E4M3: bias 7, subnormals in steps of 2^-9, one NaN a sign, no infinities.
    private static float DecodeE4M3(byte bits)
    {
        var exponent = (bits >> 3) & 15;
        var mantissa = bits & 7;
        var magnitude = (exponent, mantissa) switch
        {
            (15, 7) => float.NaN,
            (0, _) => MathF.ScaleB(mantissa, -9),
            _ => MathF.ScaleB(8 + mantissa, exponent - 10),
        };
        return (bits & 0x80) == 0 ? magnitude : -magnitude;
    }
}
