using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FalconMamba.Formats.Safetensors;

/// <summary>
/// Writes safetensors files. The target appears only when it is complete and on the disk; a failure leaves an older
/// file as it was. The data begins at a multiple of eight bytes.
/// </summary>
public static class SafetensorsWriter
{
    private const int CopyBytes = 1 << 20;
    private const int Alignment = 8;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// Writes tensors that exist already, wider element types first, so that each one is aligned to its element;
    /// otherwise in the given order.
    /// </summary>
    /// <param name="path">The target; its folder must exist.</param>
    /// <param name="tensors">The tensors; their files must stay open.</param>
    /// <param name="metadata">Strings for the header, if any.</param>
    /// <exception cref="ArgumentException">A name is used twice or reserved, or the header gets too long.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        Write(path, [.. tensors.OrderByDescending(t => t.Type.Info().BlockBytes).Select(t => new TensorEntry(t.Name, t.Type, t.Shape, s => Copy(t, s)))], metadata);
    }

    /// <summary>
    /// Writes declared tensors in the given order without ever holding more than one piece of them: each entry's
    /// <see cref="TensorEntry.Write"/> is called once, when its turn comes.
    /// </summary>
    /// <param name="path">The target; its folder must exist.</param>
    /// <param name="entries">Names, types, shapes and how to get the bytes.</param>
    /// <param name="metadata">Strings for the header, if any.</param>
    /// <exception cref="ArgumentException">A name is used twice or reserved, a shape has no size, or the header gets too long.</exception>
    /// <exception cref="InvalidOperationException">An entry wrote more or fewer bytes than it declared.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<TensorEntry> entries, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(entries);
        var header = Header(entries, metadata, out var lengths);
        AtomicFile.Write(path, file =>
        {
            file.Write(BitConverter.GetBytes((long)header.Length));
            file.Write(header);
            for (var i = 0; i < entries.Count; i++)
            {
                using var body = new CountedStream(file, lengths[i], entries[i].Name);
                entries[i].Write(body);
                body.Complete();
            }
        });
    }

    private static byte[] Header(IReadOnlyList<TensorEntry> entries, IReadOnlyDictionary<string, string>? metadata, out long[] lengths)
    {
        lengths = new long[entries.Count];
        var names = new HashSet<string>();
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach (var (key, value) in metadata) json.WriteString(StrictUtf8.GetBytes(key), StrictUtf8.GetBytes(value));
                json.WriteEndObject();
            }

            long end = 0;
            for (var i = 0; i < entries.Count; i++)
            {
                var entry = entries[i];
                if (entry.Name == SafetensorsHeader.MetadataKey || !names.Add(entry.Name))
                    throw new ArgumentException($"The tensor name {entry.Name} is used twice or reserved.", nameof(entries));
                if (entry.Type.Info().SafetensorsName is not { } dtype)
                    throw new ArgumentException($"Tensor {entry.Name} is of type {entry.Type}, which safetensors cannot hold.", nameof(entries));
                if (!TensorTypes.TryMeasure(entry.Type, entry.Shape.AsSpan(), out _, out lengths[i]) || end > long.MaxValue - lengths[i])
                    throw new ArgumentException($"Tensor {entry.Name} has a shape without a size: [{string.Join(", ", entry.Shape)}].", nameof(entries));
                json.WriteStartObject(StrictUtf8.GetBytes(entry.Name));
                json.WriteString("dtype", dtype);
                WriteNumbers(json, "shape", entry.Shape.AsSpan());
                WriteNumbers(json, "data_offsets", [end, end += lengths[i]]);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        var padding = (Alignment - (buffer.WrittenCount % Alignment)) % Alignment;
        if (buffer.WrittenCount + padding > SafetensorsHeader.LongestBytes)
            throw new ArgumentException($"The header takes {buffer.WrittenCount} bytes, the format allows {SafetensorsHeader.LongestBytes}.", nameof(entries));
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string key, ReadOnlySpan<long> numbers)
    {
        json.WriteStartArray(key);
        foreach (var number in numbers) json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    private static void Copy(Tensor tensor, Stream stream)
    {
        for (long done = 0; done < tensor.ByteLength; done += CopyBytes)
            stream.Write(tensor.Slice(done, (int)Math.Min(CopyBytes, tensor.ByteLength - done)));
    }
}
