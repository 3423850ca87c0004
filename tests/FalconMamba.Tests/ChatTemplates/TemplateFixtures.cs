using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using FalconMamba.ChatTemplates;

namespace FalconMamba.Tests.ChatTemplates;

/// <summary>The rows of the template fixtures.</summary>
internal static class TemplateFixtures
{
    public const string Category = "templates";

    private static readonly ConcurrentDictionary<string, ChatTemplate> Parsed = new();

    /// <summary>The conversations of <c>chat.jsonl[.gz]</c>.</summary>
    public static IEnumerable<(string Name, ChatRow Case)> Chats(string folder) =>
        Rows(folder, "chat", static row => new ChatRow(row), static row => $"{row["template"]} {row["case"]}");

    /// <summary>The language's cases of <c>jinja.jsonl[.gz]</c>.</summary>
    public static IEnumerable<(string Name, JsonObject Case)> Language(string folder) => Rows(folder, "jinja", static row => row, static row => $"{row["group"]}: {row["template"]}");

    /// <summary>A template of the set of cases, or else of the repository.</summary>
    public static ChatTemplate Template(string name) => Parsed.GetOrAdd(name, static name => ChatTemplate.Parse(Source(name)));

    private static string Source(string name) => File.ReadAllText(new[] { FixtureFolder.Root, Path.Combine(FixtureFolder.Repository, "tests", "fixtures") }
        .Select(root => Path.Combine(root, Category, "templates", name))
        .First(File.Exists));

    private static IEnumerable<(string, T)> Rows<T>(string folder, string kind, Func<JsonObject, T> read, Func<JsonObject, string> name)
    {
        foreach (var path in Directory.EnumerateFiles(folder, $"{kind}.jsonl*").Order(StringComparer.Ordinal))
            foreach (var line in FixtureFolder.ReadLines(path))
            {
                var row = JsonNode.Parse(line)!.AsObject();
                yield return (name(row), read(row));
            }
    }
}

/// <summary>A conversation, and what the reference makes of it.</summary>
internal sealed class ChatRow(JsonObject row)
{
    private static readonly string[] Taken = ["add_generation_prompt", "continue_final_message", "documents", "tools"];

    public JsonObject Json => row;

    public string Name => (string)row["case"]!;

    public ChatTemplate Template => TemplateFixtures.Template((string)row["template"]!);

    public string? Expected => (string?)row["expected"];

    public IEnumerable<ChatMessage> Messages => row["messages"]!.AsArray().Select(static message => new ChatMessage(message!.AsObject()));

    /// <summary>The options, with the special tokens among the variables.</summary>
    public ChatTemplateOptions Options => new()
    {
        AddGenerationPrompt = Flag("add_generation_prompt"),
        ContinueFinalMessage = Flag("continue_final_message"),
        Tools = row["tools"] as JsonArray,
        Documents = Arguments["documents"] as JsonArray,
        Variables = new JsonObject(Arguments.Where(static argument => !Taken.Contains(argument.Key)).Select(static argument => KeyValuePair.Create(argument.Key, argument.Value?.DeepClone()))),
        Clock = new FixedClock(new DateTimeOffset(2026, 1, 15, 12, 0, 0, TimeSpan.Zero)),
    };

    private JsonObject Arguments => row["kwargs"]!.AsObject();

    private bool Flag(string name) => Arguments[name]?.GetValue<bool>() ?? false;
}

/// <summary>A clock that stands still.</summary>
internal sealed class FixedClock(DateTimeOffset now) : TimeProvider
{
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => now;
}

/// <summary>Checks that a refusal is the reference's.</summary>
internal static class Refusal
{
    /// <summary>Runs what the reference refuses.</summary>
    public static void Check(JsonObject row, Action render)
    {
        // What Python's compiler refuses later, and not Jinja's parser, is an error of the syntax all the same.
        var kind = (string?)row["error_type"] == "SyntaxError" ? "syntax" : (string)row["error_kind"]!;
        try
        {
            render();
        }
        catch (ChatTemplateException e)
        {
            Assert.Equal(kind, e.Kind switch
            {
                ChatTemplateErrorKind.Raised => "raise_exception",
                ChatTemplateErrorKind.Undefined => "undefined",
                ChatTemplateErrorKind.Security => "security",
                ChatTemplateErrorKind.Syntax => "syntax",
                _ => "other",
            });
            if (e.Kind == ChatTemplateErrorKind.Raised) Assert.Equal((string)row["error"]!, e.Detail);
            Assert.True(e.Line > 0 && e.Column > 0);
            return;
        }
        catch (ArgumentException) when (kind == "other")
        {
            return;
        }

        Assert.Fail($"rendered, although the reference refuses: {row["error"]}");
    }
}
