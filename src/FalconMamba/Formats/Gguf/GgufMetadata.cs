using System.Buffers;
using System.Text;

namespace FalconMamba.Formats.Gguf;

/// <summary>Metadata to be written: keys and values in order, in the bytes that a file has them in.</summary>
public sealed class GgufMetadata
{
    private readonly HashSet<string> _keys = new(StringComparer.Ordinal);
    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>The number of keys.</summary>
    public int Count => _keys.Count;

    /// <summary>Adds a text.</summary>
    /// <param name="key">The key, used once.</param>
    /// <param name="value">Any text.</param>
    /// <exception cref="ArgumentException">The key is used twice, empty or too long, or a text is no valid UTF-16.</exception>
    public void Add(string key, string value)
    {
        Begin(key, GgufValueType.Text);
        _bytes.WriteText(value);
    }

    /// <summary>Adds true or false.</summary>
    /// <inheritdoc cref="Add(string, string)"/>
    public void Add(string key, bool value)
    {
        Begin(key, GgufValueType.Bool);
        _bytes.Write([value ? (byte)1 : (byte)0]);
    }

    /// <summary>Adds a whole number, the type of sizes and ids.</summary>
    /// <inheritdoc cref="Add(string, string)"/>
    public void Add(string key, uint value)
    {
        Begin(key, GgufValueType.U32);
        _bytes.WriteUInt32(value);
    }

    /// <summary>Adds a number.</summary>
    /// <inheritdoc cref="Add(string, string)"/>
    public void Add(string key, float value)
    {
        Begin(key, GgufValueType.F32);
        _bytes.WriteUInt32(BitConverter.SingleToUInt32Bits(value));
    }

    /// <summary>Adds an array of texts, such as a vocabulary.</summary>
    /// <inheritdoc cref="Add(string, string)"/>
    public void Add(string key, IReadOnlyCollection<string> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Begin(key, GgufValueType.Array);
        _bytes.WriteUInt32((uint)GgufValueType.Text);
        _bytes.WriteUInt64((ulong)value.Count);
        foreach (var text in value) _bytes.WriteText(text);
    }

    /// <summary>Adds an array of whole numbers, such as the kinds of tokens.</summary>
    /// <inheritdoc cref="Add(string, string)"/>
    public void Add(string key, IReadOnlyCollection<int> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Begin(key, GgufValueType.Array);
        _bytes.WriteUInt32((uint)GgufValueType.I32);
        _bytes.WriteUInt64((ulong)value.Count);
        foreach (var number in value) _bytes.WriteUInt32((uint)number);
    }

    /// <summary>All keys and values, as in a file.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes.WrittenSpan;

    private void Begin(string key, GgufValueType type)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (Encoding.UTF8.GetByteCount(key) > GgufHeader.LongestKey) throw new ArgumentException($"The key {Excerpt.Of(key)} is longer than {GgufHeader.LongestKey} bytes.", nameof(key));
        if (key == GgufHeader.AlignmentKey) throw new ArgumentException($"The key {key} is not for use: data is always aligned to {GgufHeader.DefaultAlignment} bytes.", nameof(key));
        if (!_keys.Add(key)) throw new ArgumentException($"The key {key} is used twice.", nameof(key));
        _bytes.WriteText(key);
        _bytes.WriteUInt32((uint)type);
    }
}
