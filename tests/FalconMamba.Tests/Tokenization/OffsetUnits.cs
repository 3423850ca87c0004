using System.Text;

namespace FalconMamba.Tests.Tokenization;

/// <summary>Converts UTF-16 places of a text to the units that the goldens count in.</summary>
internal static class OffsetUnits
{
    /// <summary>Ranges as [start, end] in code points.</summary>
    public static int[][] InCodePoints(string text, IEnumerable<Range> ranges) => Convert(text, ranges, static _ => 1);

    /// <summary>Ranges as [start, end] in bytes of UTF-8.</summary>
    public static int[][] InUtf8(string text, IEnumerable<Range> ranges) => Convert(text, ranges, static rune => rune.Utf8SequenceLength);

    private static int[][] Convert(string text, IEnumerable<Range> ranges, Func<Rune, int> size)
    {
        var places = new int[text.Length + 1];
        var place = 0;
        for (var i = 0; i < text.Length;)
        {
            places[i] = place;
            var rune = Rune.GetRuneAt(text, i);
            if (rune.Utf16SequenceLength == 2) places[i + 1] = int.MinValue;
            place += size(rune);
            i += rune.Utf16SequenceLength;
        }

        places[text.Length] = place;
        return [.. ranges.Select(range => new[] { places[range.Start.Value], places[range.End.Value] })];
    }
}
