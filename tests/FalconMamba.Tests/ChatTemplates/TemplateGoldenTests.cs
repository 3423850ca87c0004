using System.Text.Json;
using System.Text.Json.Nodes;
using FalconMamba.ChatTemplates;
using FalconMamba.ChatTemplates.Values;

namespace FalconMamba.Tests.ChatTemplates;

[Trait("Category", "Golden")]
public class TemplateGoldenTests
{
    private static readonly ChatTemplateOptions Noon = new() { Clock = new FixedClock(new DateTimeOffset(2026, 1, 15, 12, 34, 56, TimeSpan.Zero)) };

    [Fact]
    public void Conversations_become_the_references_text_or_its_refusal() =>
        FixtureFolder.ForEach(TemplateFixtures.Category, TemplateFixtures.Chats, isPart: true, check: static row =>
        {
            if (row.Expected is null) Refusal.Check(row.Json, () => row.Template.Render(row.Messages, row.Options));
            else Assert.Equal(row.Expected, row.Template.Render(row.Messages, row.Options).Text);
        });

    [Fact]
    public void The_language_gives_the_references_text_or_its_refusal() =>
        FixtureFolder.ForEach(TemplateFixtures.Category, TemplateFixtures.Language, isPart: true, check: static row =>
        {
            var source = (string)row["template"]!;
            if (row["expected"] is { } expected) Assert.Equal((string)expected!, Render(source, row["context"]!));
            else Refusal.Check(row, () => Render(source, row["context"]!));
        });

    [Fact]
    public void What_the_model_writes_is_marked() =>
        FixtureFolder.ForEach(TemplateFixtures.Category, TemplateFixtures.Chats, isPart: true, check: static row =>
        {
            if (row.Json["generation_spans"] is not { } spans) return;
            var chat = row.Template.Render(row.Messages, row.Options);
            Assert.Equal(
                spans.AsArray().Select(static span => ((int)span![0]!, (int)span[1]!)),
                chat.GenerationRanges.Select(range => (CodePoints(chat.Text[..range.Start]), CodePoints(chat.Text[..range.End]))));
        });

    [Fact]
    public void Templates_see_the_messages_as_the_reference_prepares_them() =>
        FixtureFolder.ForEach(TemplateFixtures.Category, TemplateFixtures.Chats, isPart: true, check: static row =>
        {
            if (row.Json["messages_seen"] is not { } seen) return;
            var shown = ChatTemplate.Parse("{{ messages | tojson }}").Render(row.Messages).Text;
            Assert.True(JsonNode.DeepEquals(seen, JsonNode.Parse(shown)), shown);
        });

    private static int CodePoints(string text) => text.EnumerateRunes().Count();

    private static string Render(string source, JsonNode context)
    {
        using var json = JsonDocument.Parse(context.ToJsonString());
        return ChatTemplate.Parse(source).RenderVariables(json.RootElement.EnumerateObject().Select(static property => (property.Name, Json.Read(property.Value))), Noon).Value;
    }
}
