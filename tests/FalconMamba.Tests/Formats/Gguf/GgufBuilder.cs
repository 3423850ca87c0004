using System.Text;
using FalconMamba.Formats;
using FalconMamba.Formats.Gguf;

namespace FalconMamba.Tests.Formats.Gguf;

/// <summary>Builds small GGUF files of version 3 for tests.</summary>
internal sealed class GgufBuilder
{
    private const int Alignment = 32;

    private readonly List<byte[]> _keys = [];
    private readonly List<(string Name, uint Type, long[] Shape, byte[] Data)> _tensors = [];

    public GgufBuilder Add(string key, string value) => AddValue(key, GgufValueType.Text, w => Text(w, value));

    public GgufBuilder Add(string key, bool value) => AddValue(key, GgufValueType.Bool, w => w.Write((byte)(value ? 1 : 0)));

    public GgufBuilder Add(string key, int value) => AddValue(key, GgufValueType.U32, w => w.Write(value));

    public GgufBuilder Add(string key, float value) => AddValue(key, GgufValueType.F32, w => w.Write(value));

    public GgufBuilder Add(string key, IReadOnlyCollection<string> values) => AddArray(key, GgufValueType.Text, values, Text);

    public GgufBuilder Add(string key, IReadOnlyCollection<int> values) => AddArray(key, GgufValueType.I32, values, static (w, value) => w.Write(value));

    /// <summary>Adds a tensor; the shape is outermost first.</summary>
    public GgufBuilder Add(string name, TensorType type, long[] shape, byte[] data)
    {
        _tensors.Add((name, (uint)type.Info().GgufId!.Value, shape, data));
        return this;
    }

    public byte[] Build()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((ulong)_tensors.Count);
        writer.Write((ulong)_keys.Count);
        foreach (var key in _keys) writer.Write(key);
        long offset = 0;
        foreach (var (name, type, shape, data) in _tensors)
        {
            Text(writer, name);
            writer.Write(shape.Length);
            foreach (var dimension in shape.Reverse()) writer.Write(dimension);
            writer.Write(type);
            writer.Write(offset);
            offset += Pad(data.Length);
        }

        writer.Write(new byte[Pad(stream.Length) - stream.Length]);
        foreach (var (_, _, _, data) in _tensors)
        {
            writer.Write(data);
            writer.Write(new byte[Pad(data.Length) - data.Length]);
        }

        return stream.ToArray();
    }

    private static long Pad(long length) => (length + Alignment - 1) & -Alignment;

    private static void Text(BinaryWriter writer, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private GgufBuilder AddArray<T>(string key, GgufValueType type, IReadOnlyCollection<T> values, Action<BinaryWriter, T> write) =>
        AddValue(key, GgufValueType.Array, writer =>
        {
            writer.Write((uint)type);
            writer.Write((ulong)values.Count);
            foreach (var value in values) write(writer, value);
        });

    private GgufBuilder AddValue(string key, GgufValueType type, Action<BinaryWriter> write)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        Text(writer, key);
        writer.Write((uint)type);
        write(writer);
        _keys.Add(stream.ToArray());
        return this;
    }
}
