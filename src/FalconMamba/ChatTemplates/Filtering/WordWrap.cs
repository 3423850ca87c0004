using System.Text.RegularExpressions;
using FalconMamba.ChatTemplates.Methods;
using FalconMamba.ChatTemplates.Runtime;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.ChatTemplates.Filtering;

/// <summary>The filter <c>wordwrap</c>, after Python's <c>textwrap</c>.</summary>
internal static partial class WordWrap
{
    /// <summary>Breaks lines at some width.</summary>
    public static Text Apply(object? value, Arguments arguments)
    {
        var bound = arguments.Bind("wordwrap", "width?", "break_long_words?", "wrapstring?", "break_on_hyphens?");
        var text = value as Text ?? throw Fault.Unfit("a string to wrap", value);
        var width = bound.Int(0, 79);
        if (width <= 0) throw Fault.Runtime("wordwrap needs a width above 0");
        var separator = bound[2] is null ? Text.Trusted("\n") : bound.Text(2);
        return TextBuilder.Join(separator, TextCutting.Lines(text).Select(line => TextBuilder.Join(separator, Wrap(line, width, bound.Flag(1, missing: true), bound.Flag(3, missing: true)))));
    }

    private static List<Text> Wrap(Text line, int width, bool breaksLongWords, bool breaksAtHyphens)
    {
        var pattern = breaksAtHyphens ? ChunksWithHyphens() : Chunks();
        var chunks = new Stack<Text>(pattern.Matches(line.Value).Select(match => line.Cut(match.Index, match.Length)).Reverse());
        var lines = new List<Text>();
        while (chunks.Count > 0)
        {
            if (lines.Count > 0 && IsBlank(chunks.Peek())) chunks.Pop();
            var current = new List<Text>();
            var length = 0;
            while (chunks.TryPeek(out var next) && length + next.Length <= width)
            {
                current.Add(chunks.Pop());
                length += next.Length;
            }

            if (chunks.TryPeek(out var tooLong) && tooLong.Length > width)
            {
                if (breaksLongWords)
                {
                    var place = tooLong.OffsetOf(BreakAt(tooLong, width - length, breaksAtHyphens));
                    chunks.Pop();
                    current.Add(tooLong[..place]);
                    chunks.Push(tooLong[place..]);
                }
                else if (current.Count == 0)
                {
                    current.Add(chunks.Pop());
                }
            }

            if (current.Count > 0 && IsBlank(current[^1])) current.RemoveAt(current.Count - 1);
            if (current.Count > 0) lines.Add(TextBuilder.Join(Text.Empty, current));
        }

        return lines;
    }

    // A long word breaks behind its last hyphen that fits.
    private static int BreakAt(Text word, int room, bool breaksAtHyphens)
    {
        if (!breaksAtHyphens || room <= 0) return room;
        var fitting = word.Value.AsSpan(0, word.OffsetOf(room));
        var hyphen = fitting.LastIndexOf('-');
        return hyphen > 0 && fitting[..hyphen].ContainsAnyExcept('-') ? word.CodePointsBefore(hyphen) + 1 : room;
    }

    private static bool IsBlank(Text chunk) => chunk.Value.All(Characters.IsSpace);

    [GeneratedRegex(@"[\t\n\v\f\r ]+|(?<=[\w!""'&.,?])-{2,}(?=\w)|[^\t\n\v\f\r ]+?(?:-(?:(?<=[^\d\W]{2}-)|(?<=[^\d\W]-[^\d\W]-))(?=[^\d\W]-?[^\d\W])|(?=[\t\n\v\f\r ]|\z)|(?<=[\w!""'&.,?])(?=-{2,}\w))")]
    private static partial Regex ChunksWithHyphens();

    [GeneratedRegex(@"[\t\n\v\f\r ]+|[^\t\n\v\f\r ]+")]
    private static partial Regex Chunks();
}
