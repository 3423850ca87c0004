using System.Buffers;
using System.Text;

namespace FalconMamba.Formats.Gguf;

/// <summary>
/// Writes GGUF files of version 3, little-endian. The target appears only when it is complete and on the disk; a failure
/// leaves an older file as it was. Every tensor's data begins at a multiple of 32 bytes.
/// </summary>
public static class GgufWriter
{
    private const uint Version = 3;

    // ggml keeps a name in 64 bytes of which the last is 0.
    private const int LongestName = GgufHeader.LongestTensorName - 1;

    /// <summary>
    /// Writes declared tensors in the given order without ever holding more than one piece of them: each entry's
    /// <see cref="TensorEntry.Write"/> is called once, when its turn comes.
    /// </summary>
    /// <param name="path">The target; its folder must exist.</param>
    /// <param name="metadata">Keys and values.</param>
    /// <param name="entries">Names, types, shapes and how to get the bytes.</param>
    /// <exception cref="ArgumentException">A name is used twice, empty or too long, a type has no number in the format, or a shape no size.</exception>
    /// <exception cref="InvalidOperationException">An entry wrote more or fewer bytes than it declared.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, GgufMetadata metadata, IReadOnlyList<TensorEntry> entries)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(entries);
        var header = Header(metadata, entries, out var lengths);
        AtomicFile.Write(path, file =>
        {
            file.Write(header.WrittenSpan);
            Pad(file, header.WrittenCount);
            for (var i = 0; i < entries.Count; i++)
            {
                using var body = new CountedStream(file, lengths[i], entries[i].Name);
                entries[i].Write(body);
                body.Complete();
                Pad(file, lengths[i]);
            }
        });
    }

    private static ArrayBufferWriter<byte> Header(GgufMetadata metadata, IReadOnlyList<TensorEntry> entries, out long[] lengths)
    {
        lengths = new long[entries.Count];
        var names = new HashSet<string>(StringComparer.Ordinal);
        var header = new ArrayBufferWriter<byte>();
        header.WriteUInt32(GgufHeader.Magic);
        header.WriteUInt32(Version);
        header.WriteUInt64((ulong)entries.Count);
        header.WriteUInt64((ulong)metadata.Count);
        header.Write(metadata.Bytes);
        long offset = 0;
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            if (entry.Name.Length == 0 || Encoding.UTF8.GetByteCount(entry.Name) > LongestName || !names.Add(entry.Name))
                throw new ArgumentException($"The tensor name {Excerpt.Of(entry.Name)} is used twice, empty, or longer than {LongestName} bytes.", nameof(entries));
            if (entry.Type.Info().GgufId is not { } type)
                throw new ArgumentException($"Tensor {entry.Name} is of type {entry.Type}, which GGUF cannot hold.", nameof(entries));
            if (entry.Shape.Length > GgufHeader.MostDimensions || !TensorTypes.TryMeasure(entry.Type, entry.Shape.AsSpan(), out _, out lengths[i]) || offset > long.MaxValue - GgufHeader.DefaultAlignment - lengths[i])
                throw new ArgumentException($"Tensor {entry.Name} has a shape that GGUF cannot hold as {entry.Type}: [{string.Join(", ", entry.Shape)}].", nameof(entries));
            header.WriteText(entry.Name);
            header.WriteUInt32((uint)entry.Shape.Length);

            // The file has the innermost dimension first.
            for (var d = entry.Shape.Length - 1; d >= 0; d--) header.WriteUInt64((ulong)entry.Shape[d]);
            header.WriteUInt32((uint)type);
            header.WriteUInt64((ulong)offset);
            offset += Padded(lengths[i]);
        }

        return header;
    }

    private static long Padded(long length) => (length + GgufHeader.DefaultAlignment - 1) & -GgufHeader.DefaultAlignment;

    private static void Pad(Stream file, long length) => file.Write(stackalloc byte[(int)(Padded(length) - length)]);
}
