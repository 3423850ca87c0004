using FalconMamba.ChatTemplates.Runtime;

namespace FalconMamba.ChatTemplates.Values;

/// <summary>
/// A string that knows which parts of it the template wrote itself. Indices and lengths count code points, as Python's do.
/// </summary>
internal sealed class Text
{
    private static readonly int[] AllTrusted = [], NoneTrusted = [0];

    // Where trust changes, ascending; the text begins trusted.
    private readonly int[] _edges;
    private int _length = -1;

    private Text(string value, int[] edges, bool isMarkup)
    {
        Value = value;
        _edges = edges;
        IsMarkup = isMarkup;
    }

    /// <summary>No text.</summary>
    public static Text Empty { get; } = new("", AllTrusted, false);

    /// <summary>The characters.</summary>
    public string Value { get; }

    /// <summary>Whether the text counts as escaped for HTML.</summary>
    public bool IsMarkup { get; }

    /// <summary>The number of code points.</summary>
    public int Length => _length >= 0 ? _length : _length = CountCodePoints(Value);

    /// <summary>Whether nothing in it came from outside.</summary>
    public bool IsTrusted => _edges.Length == 0;

    /// <summary>Text of the template.</summary>
    public static Text Trusted(string value) => value.Length == 0 ? Empty : new Text(value, AllTrusted, false);

    /// <summary>Text of the template, with its number of code points.</summary>
    public static Text Literal(string value, int codePoints) => value.Length == 0 ? Empty : new Text(value, AllTrusted, false) { _length = codePoints };

    /// <summary>Text from outside.</summary>
    public static Text Untrusted(string value) => value.Length == 0 ? Empty : new Text(value, NoneTrusted, false);

    /// <summary>A text that is trusted as a whole or not at all.</summary>
    public static Text Of(string value, bool trusted) => trusted ? Trusted(value) : Untrusted(value);

    /// <summary>A text from its parts' edges.</summary>
    internal static Text FromEdges(string value, int[] edges) => new(value, edges, false);

    /// <summary>The same characters, counted as escaped for HTML or not.</summary>
    public Text WithMarkup(bool isMarkup) => isMarkup == IsMarkup ? this : new Text(Value, _edges, isMarkup);

    /// <summary>A part, in UTF-16 units; it stays markup if the whole was.</summary>
    public Text Cut(int start, int length)
    {
        if (length <= 0) return IsMarkup ? Empty.WithMarkup(true) : Empty;
        if (start == 0 && length == Value.Length) return this;
        Budget.Current.Build(length);
        return new Text(Value.Substring(start, length), EdgesOf(start, length), IsMarkup);
    }

    /// <summary>What <paramref name="range"/> selects, in UTF-16 units.</summary>
    public Text this[Range range]
    {
        get
        {
            var (start, length) = range.GetOffsetAndLength(Value.Length);
            return Cut(start, length);
        }
    }

    /// <summary>The parts that are alike in trust, in UTF-16 units.</summary>
    public IEnumerable<(int Start, int Length, bool Trusted)> Runs() => Runs(0, Value.Length);

    /// <summary>The same of a part only.</summary>
    public IEnumerable<(int Start, int Length, bool Trusted)> Runs(int start, int length)
    {
        var end = start + length;
        for (var edge = EdgesUpTo(start); start < end; edge++)
        {
            var next = edge < _edges.Length ? Math.Min(_edges[edge], end) : end;
            yield return (start, next - start, IsTrustedBehind(edge));
            start = next;
        }
    }

    /// <summary>Whether a character, in UTF-16 units, is the template's.</summary>
    public bool IsTrustedAt(int index) => IsTrustedBehind(EdgesUpTo(index));

    /// <summary>The place of a code point in UTF-16 units.</summary>
    public int OffsetOf(int codePoint)
    {
        if (Length == Value.Length) return codePoint;
        Budget.Current.Step(codePoint >> 4);
        var offset = 0;
        for (; codePoint > 0; codePoint--) offset += char.IsSurrogatePair(Value, offset) ? 2 : 1;
        return offset;
    }

    /// <summary>The number of code points before a place in UTF-16 units.</summary>
    public int CodePointsBefore(int offset) => Length == Value.Length ? offset : CountCodePoints(Value.AsSpan(0, offset));

    /// <summary>One code point.</summary>
    public Text At(int codePoint)
    {
        var offset = OffsetOf(codePoint);
        return Cut(offset, SizeAt(offset));
    }

    /// <summary>The code points.</summary>
    public IEnumerable<Text> Characters()
    {
        for (var offset = 0; offset < Value.Length;)
        {
            var size = SizeAt(offset);
            yield return Cut(offset, size);
            offset += size;
        }
    }

    /// <summary>Compares by code points, not by UTF-16 units.</summary>
    public static int Compare(string left, string right)
    {
        Budget.Current.Step(Math.Min(left.Length, right.Length) >> 6);
        var common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length) return left.Length.CompareTo(right.Length);
        return Weight(left[common]).CompareTo(Weight(right[common]));

        // Surrogates stand for code points above every other unit.
        static int Weight(char unit) => char.IsSurrogate(unit) ? unit + 0x10000 : unit;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;

    private static int CountCodePoints(ReadOnlySpan<char> text)
    {
        var pairs = 0;
        for (var i = 0; i + 1 < text.Length; i++)
        {
            if (!char.IsSurrogatePair(text[i], text[i + 1])) continue;
            pairs++;
            i++;
        }

        return text.Length - pairs;
    }

    private int SizeAt(int offset) => offset + 1 < Value.Length && char.IsSurrogatePair(Value[offset], Value[offset + 1]) ? 2 : 1;

    private static bool IsTrustedBehind(int edges) => edges % 2 == 0;

    // How many edges there are up to a character, the one right before it included.
    private int EdgesUpTo(int index)
    {
        var place = Array.BinarySearch(_edges, index);
        return place >= 0 ? place + 1 : ~place;
    }

    private int[] EdgesOf(int start, int length)
    {
        var (first, end) = (EdgesUpTo(start), EdgesUpTo(start + length - 1));
        if (first == end) return IsTrustedBehind(first) ? AllTrusted : NoneTrusted;
        var inside = _edges[first..end];
        foreach (ref var edge in inside.AsSpan()) edge -= start;
        return IsTrustedBehind(first) ? inside : [0, .. inside];
    }
}
