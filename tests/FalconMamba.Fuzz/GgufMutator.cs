using System.Buffers.Binary;

namespace FalconMamba.Fuzz;

/// <summary>A GGUF file whose fields are known by place and kind.</summary>
internal sealed class GgufMutator : IMutator
{
    private readonly byte[] _file;
    private readonly int _dataStart;

    // Fields that hold the frame together (counts, lengths, types, dimensions, offsets), and values inside it.
    private readonly List<(int Start, int Size)> _frame = [], _values = [];
    private int _position;

    public GgufMutator(byte[] file)
    {
        _file = file;
        Field(_frame, 4);
        Field(_frame, 4);
        var tensors = (int)Count();
        var keys = (int)Count();
        for (var i = 0; i < keys; i++)
        {
            Text();
            Value((int)Field(_frame, 4));
        }

        for (var i = 0; i < tensors; i++)
        {
            Text();
            var dimensions = (int)Field(_frame, 4);
            for (var d = 0; d < dimensions; d++) Field(_frame, 8);
            Field(_frame, 4);
            Field(_frame, 8);
        }

        _dataStart = Math.Min(_position, file.Length - 1);
    }

    public int Length => _file.Length;

    public byte[] Mutate(Random random)
    {
        var file = _file.ToArray();
        for (var injuries = 1 + random.Next(3); injuries > 0; injuries--)
        {
            switch (random.Next(10))
            {
                case < 3: Change(file, _frame[random.Next(_frame.Count)], random); break;
                case < 6 when _values.Count > 0: Change(file, _values[random.Next(_values.Count)], random); break;
                case < 9: random.NextBytes(file.AsSpan(random.Next(_dataStart, file.Length))[..1]); break;

                // Places no longer hold after it.
                default: return Injuries.Anywhere(file, random);
            }
        }

        return file;
    }

    private static void Change(byte[] file, (int Start, int Size) field, Random random)
    {
        if (field.Start >= file.Length) return;
        var place = file.AsSpan(field.Start, Math.Min(field.Size, file.Length - field.Start));
        Span<byte> number = stackalloc byte[8];
        switch (random.Next(3))
        {
            // Nearly what it was.
            case 0 when place.Length <= 8:
                number.Clear();
                place.CopyTo(number);
                BinaryPrimitives.WriteInt64LittleEndian(number, BinaryPrimitives.ReadInt64LittleEndian(number) + random.Next(-3, 4));
                number[..place.Length].CopyTo(place);
                break;
            case 1 when place.Length > 0:
                place[random.Next(place.Length)] = (byte)random.Next(0x20, 0x7F);
                break;
            default:
                BinaryPrimitives.WriteInt64LittleEndian(number, Injuries.Number(random));
                number[..Math.Min(8, place.Length)].CopyTo(place);
                break;
        }
    }

    private long Count() => Field(_frame, 8);

    private long Field(List<(int Start, int Size)> fields, int size)
    {
        Span<byte> number = stackalloc byte[8];
        number.Clear();
        _file.AsSpan(_position, Math.Min(size, 8)).CopyTo(number);
        fields.Add((_position, size));
        _position += size;
        return BinaryPrimitives.ReadInt64LittleEndian(number);
    }

    private void Text()
    {
        var length = (int)Count();
        _values.Add((_position, length));
        _position += length;
    }

    private void Value(int type)
    {
        switch (type)
        {
            case 8:
                Text();
                break;
            case 9:
                var element = (int)Field(_frame, 4);
                for (var count = Count(); count > 0; count--) Value(element);
                break;
            default:
                Field(_values, type switch { 0 or 1 or 7 => 1, 2 or 3 => 2, 4 or 5 or 6 => 4, _ => 8 });
                break;
        }
    }
}
