using System.Text;
using System.Text.Json;
using FalconMamba.Generation;
using FsCheck;
using FsCheck.Fluent;

namespace FalconMamba.Tests.Generation;

public class StopStringMatcherTests
{
    private static readonly Gen<string> Text = Gen.Elements('a', 'b', 'c').ArrayOf().Select(letters => new string(letters));

    [Fact]
    [Trait("Category", "Golden")]
    public void Reference_texts_are_cut_at_the_same_places() =>
        FixtureFolder.ForEach<JsonElement>("sampling", Discover, c =>
        {
            var matcher = new StopStringMatcher(Strings("stop"));
            var steps = new List<string>();
            foreach (var piece in Strings("pieces"))
            {
                steps.Add(matcher.Push(piece));
                if (matcher.Matched is not null) break;
            }

            var flush = matcher.Flush();
            Assert.Equal(Strings("steps"), steps);
            Assert.Equal(c.GetProperty("flush").GetString(), flush);
            Assert.Equal(c.GetProperty("emitted").GetString(), string.Concat(steps) + flush);
            Assert.Equal(c.GetProperty("stopped").GetBoolean(), matcher.Matched is not null);
            Assert.Equal(c.GetProperty("matched").GetString(), matcher.Matched);
            Assert.Equal(c.GetProperty("pieces_consumed").GetInt32(), steps.Count);

            string[] Strings(string name) => [.. c.GetProperty(name).EnumerateArray().Select(s => s.GetString()!)];
        });

    [Fact]
    public void The_result_is_that_of_a_search_of_the_whole_text_however_it_is_cut() =>
        Prop.ForAll(
            (from pieces in Text.ArrayOf() from stops in Text.Resize(4).ArrayOf() select (pieces, stops)).ToArbitrary(),
            c =>
            {
                var (pieces, stops) = c;
                var matcher = new StopStringMatcher(stops);
                var emitted = new StringBuilder();
                foreach (var piece in pieces) emitted.Append(matcher.Push(piece));
                emitted.Append(matcher.Flush());

                var text = string.Concat(pieces);
                var ends = from stop in stops
                           where stop.Length > 0
                           let at = text.IndexOf(stop, StringComparison.Ordinal)
                           where at >= 0
                           orderby at + stop.Length, stop.Length descending
                           select (at, stop);
                var (start, matched) = ends.FirstOrDefault((text.Length, null!));
                Assert.Equal(text[..start], emitted.ToString());
                Assert.Equal(matched, matcher.Matched);
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void Nothing_follows_a_stop_string()
    {
        var matcher = new StopStringMatcher(["stop"]);
        Assert.Equal("a ", matcher.Push("a st"));
        Assert.Equal("", matcher.Push("op b"));
        Assert.Equal("stop", matcher.Matched);
        Assert.Equal("", matcher.Push("more"));
        Assert.Equal("", matcher.Flush());
    }

    [Fact]
    public void Pieces_that_touch_no_stop_string_pass_through_uncopied()
    {
        var piece = new string('x', 5);
        Assert.Same(piece, new StopStringMatcher([]).Push(piece));
        Assert.Same(piece, new StopStringMatcher(["", "stop"]).Push(piece));
    }

    private static IEnumerable<(string, JsonElement)> Discover(string folder)
    {
        var line = 0;
        foreach (var text in FixtureFolder.ReadLines(Path.Combine(folder, "stop_strings.jsonl")))
        {
            using var json = JsonDocument.Parse(text);
            yield return ($"stop_strings.jsonl line {++line}", json.RootElement);
        }
    }
}
