using System.Text;
using System.Text.Json;

namespace FalconMamba.Fuzz;

/// <summary>A JSON text whose values and members are exchanged, removed, repeated and replaced as wholes.</summary>
internal sealed class JsonMutator : IMutator
{
    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "-1", "1", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551616", "0.5", "-0",
        "1e308", "1e999", "1e-400", "\"\"", "\"a\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "{}", "[0]", "{\"a\":0}", "[[[[[[[[[[]]]]]]]]]]", "\"auto\"", "\"F32\"", "\"BPE\"",
    ];

    private readonly byte[] _text;
    private readonly List<(int Start, int End)> _values = [], _members = [];

    public JsonMutator(byte[] text)
    {
        _text = text;
        var reader = new Utf8JsonReader(text);
        var open = new Stack<int>();
        var keys = new Stack<int>();
        var key = -1;
        while (reader.Read())
        {
            var start = (int)reader.TokenStartIndex;
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    key = start;
                    break;
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    open.Push(start);
                    keys.Push(key);
                    key = -1;
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    key = keys.Pop();
                    Add(open.Pop(), (int)reader.BytesConsumed);
                    break;
                default:
                    Add(start, (int)reader.BytesConsumed);
                    break;
            }
        }

        void Add(int start, int end)
        {
            _values.Add((start, end));
            if (key >= 0) _members.Add((key, end));
            key = -1;
        }
    }

    public int Length => _text.Length;

    public byte[] Mutate(Random random)
    {
        // The places are those of the valid text, so only one injury knows the structure; others may follow.
        var text = Structural(random);
        return random.Next(8) == 0 ? Injuries.Anywhere(text, random) : text;
    }

    private byte[] Structural(Random random)
    {
        var value = _values[random.Next(_values.Count)];
        switch (random.Next(8))
        {
            case 0: return Replace(value, Values[random.Next(Values.Length)]);
            case 1: return Replace(value, Injuries.Number(random).ToString(System.Globalization.CultureInfo.InvariantCulture));
            case 2:
                var other = _values[random.Next(_values.Count)];
                return Replace(value, Encoding.UTF8.GetString(_text, other.Start, other.End - other.Start));
            case 3 when _members.Count > 0:
                return Replace(_members[random.Next(_members.Count)], "\"x\":0");
            case 4 when _members.Count > 0:
                var member = _members[random.Next(_members.Count)];
                var twice = Encoding.UTF8.GetString(_text, member.Start, member.End - member.Start);
                return Replace(member, $"{twice},{twice}");
            case 5:
                return Replace(value, $"{string.Concat(Enumerable.Repeat("[", random.Next(1, 2000)))}");
            case 6:
                return Injuries.Anywhere([.. _text], random);
            default:
                // One character inside a value: names and numbers that are nearly right.
                var text = _text.ToArray();
                text[random.Next(value.Start, value.End)] = (byte)random.Next(0x20, 0x7F);
                return text;
        }
    }

    private byte[] Replace((int Start, int End) place, string replacement) =>
        [.. _text.AsSpan(0, place.Start), .. Encoding.UTF8.GetBytes(replacement), .. _text.AsSpan(place.End)];
}
