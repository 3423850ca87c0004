using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Methods;

/// <summary>Cuts texts into parts that keep their trust.</summary>
internal static class TextCutting
{
    /// <summary>Strips white space, or some characters, from a text's ends.</summary>
    public static Text Strip(Text text, Text? characters, bool start = true, bool end = true)
    {
        var set = characters is null ? null : Characters.CodePoints(characters.Value).ToHashSet();
        var value = text.Value;
        var (from, to) = (0, value.Length);
        while (start && from < to && IsStripped(CodeAt(from), set)) from += CodeAt(from) > 0xFFFF ? 2 : 1;
        while (end && to > from && IsStripped(CodeBefore(to), set)) to -= CodeBefore(to) > 0xFFFF ? 2 : 1;
        return text[from..to];

        int CodeAt(int place) => place + 1 < value.Length && char.IsSurrogatePair(value[place], value[place + 1]) ? char.ConvertToUtf32(value[place], value[place + 1]) : value[place];

        int CodeBefore(int place) => place > 1 && char.IsSurrogatePair(value[place - 2], value[place - 1]) ? char.ConvertToUtf32(value[place - 2], value[place - 1]) : value[place - 1];
    }

    /// <summary>Splits at runs of white space.</summary>
    public static List<object?> SplitAtSpace(Text text, int most, bool fromEnd)
    {
        var parts = new List<object?>();
        var value = text.Value;
        var (start, end) = (0, value.Length);
        while (true)
        {
            while (start < end && Characters.IsSpace(value[start])) start++;
            while (end > start && Characters.IsSpace(value[end - 1])) end--;
            if (start == end) break;
            if (parts.Count == most)
            {
                parts.Add(fromEnd ? text[..end] : text[start..]);
                break;
            }

            var place = fromEnd ? end : start;
            if (fromEnd) while (place > start && !Characters.IsSpace(value[place - 1])) place--;
            else while (place < end && !Characters.IsSpace(value[place])) place++;
            parts.Add(fromEnd ? text[place..end] : text[start..place]);
            if (fromEnd) end = place;
            else start = place;
        }

        if (fromEnd) parts.Reverse();
        Budget.Current.BuildItems(parts.Count);
        return parts;
    }

    /// <summary>Splits at a separator.</summary>
    public static List<object?> Split(Text text, string separator, int most, bool fromEnd)
    {
        var parts = new List<object?>();
        var (start, end) = (0, text.Value.Length);
        while (parts.Count < most)
        {
            var window = text.Value.AsSpan(start, end - start);
            var place = fromEnd ? window.LastIndexOf(separator) : window.IndexOf(separator);
            if (place < 0) break;
            Budget.Current.BuildItems(1);
            parts.Add(fromEnd ? text[(place + separator.Length)..end] : text.Cut(start, place));
            if (fromEnd) end = place;
            else start += place + separator.Length;
        }

        parts.Add(text[start..end]);
        if (fromEnd) parts.Reverse();
        return parts;
    }

    /// <summary>Splits into lines.</summary>
    public static IEnumerable<Text> Lines(Text text, bool keepsEnds = false)
    {
        var value = text.Value;
        for (var start = 0; start < value.Length;)
        {
            var end = start;
            while (end < value.Length && !Characters.IsLineEnd(value[end])) end++;
            var next = Math.Min(end + 1, value.Length);
            if (end + 1 < value.Length && value[end] == '\r' && value[end + 1] == '\n') next++;
            Budget.Current.BuildItems(1);
            yield return text[start..(keepsEnds ? next : end)];
            start = next;
        }
    }

    /// <summary>Replaces parts of a text.</summary>
    public static Text Replace(Text text, Text old, Text replacement, int most = -1)
    {
        if (most < 0) most = int.MaxValue;
        var builder = new TextBuilder();
        var start = 0;
        if (old.Value.Length == 0)
        {
            foreach (var character in text.Characters())
            {
                if (most-- > 0) builder.Append(replacement);
                builder.Append(character);
            }

            if (most > 0) builder.Append(replacement);
            return builder.ToText().WithMarkup(text.IsMarkup);
        }

        while (most-- > 0 && text.Value.IndexOf(old.Value, start, StringComparison.Ordinal) is var place && place >= 0)
        {
            Budget.Current.Step();
            builder.Append(text, start, place - start).Append(replacement);
            start = place + old.Value.Length;
        }

        return builder.Append(text, start, text.Value.Length - start).ToText().WithMarkup(text.IsMarkup);
    }

    private static bool IsStripped(int code, HashSet<int>? set) => set is null ? code < 0x10000 && Characters.IsSpace((char)code) : set.Contains(code);
}
