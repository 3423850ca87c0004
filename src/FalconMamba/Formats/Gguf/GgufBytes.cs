using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace FalconMamba.Formats.Gguf;

/// <summary>Appends what a GGUF header is made of, little-endian.</summary>
internal static class GgufBytes
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Appends a number of 32 bits.</summary>
    public static void WriteUInt32(this IBufferWriter<byte> buffer, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(buffer.GetSpan(sizeof(uint)), value);
        buffer.Advance(sizeof(uint));
    }

    /// <summary>Appends a number of 64 bits.</summary>
    public static void WriteUInt64(this IBufferWriter<byte> buffer, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(buffer.GetSpan(sizeof(ulong)), value);
        buffer.Advance(sizeof(ulong));
    }

    /// <summary>Appends a length and as many bytes of UTF-8.</summary>
    /// <exception cref="ArgumentException">The text is no valid UTF-16.</exception>
    public static void WriteText(this IBufferWriter<byte> buffer, string text)
    {
        var bytes = StrictUtf8.GetBytes(text);
        buffer.WriteUInt64((ulong)bytes.Length);
        buffer.Write(bytes);
    }
}
