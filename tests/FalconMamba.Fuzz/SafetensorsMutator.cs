using System.Buffers.Binary;

namespace FalconMamba.Fuzz;

/// <summary>A safetensors file: its length field, its JSON header in a frame that fits or not, and its data.</summary>
internal sealed class SafetensorsMutator : IMutator
{
    private const int Prefix = 8;

    private readonly byte[] _file;
    private readonly int _dataStart;
    private readonly JsonMutator _header;

    public SafetensorsMutator(byte[] file)
    {
        _file = file;
        _dataStart = Prefix + (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        _header = new JsonMutator(file[Prefix.._dataStart]);
    }

    public int Length => _file.Length;

    public byte[] Mutate(Random random)
    {
        switch (random.Next(8))
        {
            case 0:
                var file = _file.ToArray();
                BinaryPrimitives.WriteInt64LittleEndian(file, random.Next(2) == 0 ? Injuries.Number(random) : _dataStart - Prefix + random.Next(-16, 17));
                return file;
            case 1:
                return Injuries.Anywhere([.. _file], random);
            case 2 or 3 or 4 when _file.Length > _dataStart:
                var data = _file.ToArray();
                random.NextBytes(data.AsSpan(random.Next(_dataStart, data.Length))[..1]);
                return data;
            default:
                var header = _header.Mutate(random);
                var framed = new byte[Prefix];
                BinaryPrimitives.WriteInt64LittleEndian(framed, header.Length);
                return [.. framed, .. header, .. _file.AsSpan(_dataStart)];
        }
    }
}
