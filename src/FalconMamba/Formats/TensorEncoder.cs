using System.Runtime.InteropServices;

namespace FalconMamba.Formats;

/// <summary>Stores float32 numbers in one of the types that weights are computed with, rounded to the nearest, ties to even.</summary>
internal static class TensorEncoder
{
    /// <summary>Whether <see cref="Encode"/> knows the type.</summary>
    public static bool Supports(TensorType type) => type is TensorType.F32 or TensorType.F16 or TensorType.BF16;

    /// <summary>Encodes every number, little-endian.</summary>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="source">The numbers.</param>
    /// <param name="destination">Exactly their bytes; may be unaligned.</param>
    /// <exception cref="ArgumentException">The destination has another length, or the type is another.</exception>
    public static void Encode(TensorType type, ReadOnlySpan<float> source, Span<byte> destination)
    {
        if (!Supports(type)) throw new ArgumentException($"Numbers cannot be stored as {type}.", nameof(type));
        if (destination.Length != (long)source.Length * type.Info().BlockBytes)
            throw new ArgumentException($"{source.Length} numbers of {type} do not take {destination.Length} bytes.", nameof(destination));
        if (type == TensorType.F32)
        {
            MemoryMarshal.AsBytes(source).CopyTo(destination);
            return;
        }

        for (var i = 0; i < source.Length; i++)
        {
            var bits = type == TensorType.F16 ? BitConverter.HalfToUInt16Bits((Half)source[i]) : ToBFloat16(source[i]);
            MemoryMarshal.Write(destination[(2 * i)..], bits);
        }
    }

    // Adds just under half of the last kept place, or exactly half if that place is odd; a NaN stays one.
    private static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)(float.IsNaN(value) ? (bits >> 16) | 0x40 : (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
