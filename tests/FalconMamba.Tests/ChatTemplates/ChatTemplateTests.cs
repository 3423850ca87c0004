using System.Collections.Immutable;
using System.Text.Json.Nodes;
using FalconMamba.ChatTemplates;
using FalconMamba.Tests.Tokenization;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.ChatTemplates;

public class ChatTemplateTests
{
    private static readonly ChatMessage[] Hello = [new("user", "Hello")];

    [Theory]
    [InlineData("a\n  {{ nope.b }}", ChatTemplateErrorKind.Undefined, 2, 10, "'nope' is undefined")]
    [InlineData("{% if true %}\n\n{{ 1 / 0 }}{% endif %}", ChatTemplateErrorKind.Runtime, 3, 6, "a division by zero has no result")]
    [InlineData("{{ messages[0].content | nope }}", ChatTemplateErrorKind.Syntax, 1, 26, "there is no filter \"nope\"")]
    [InlineData("x{% for i in [1] %}\n{{ i ", ChatTemplateErrorKind.Syntax, 2, 6, "\"}}\" was expected, found the end of the template")]
    [InlineData("{% for i in [1] %}", ChatTemplateErrorKind.Syntax, 1, 19, "\"endfor\" or \"else\" was expected, found the end of the template")]
    [InlineData("\r\n\r\n{{ 'a", ChatTemplateErrorKind.Syntax, 3, 4, "the string has no end")]
    [InlineData("{# a", ChatTemplateErrorKind.Syntax, 1, 1, "\"#}\" was expected before the end of the template")]
    [InlineData("{{ raise_exception('No!') }}", ChatTemplateErrorKind.Raised, 1, 19, "No!")]
    [InlineData("{{ messages.append(1) }}", ChatTemplateErrorKind.Security, 1, 19, "access to attribute 'append' of 'list' object is unsafe")]
    [InlineData("{% break %}", ChatTemplateErrorKind.Syntax, 1, 1, "\"break\" was not expected outside of a loop")]
    [InlineData("{% include 'x' %}", ChatTemplateErrorKind.Runtime, 1, 1, "\"include\" has nothing to load from, as a chat template stands alone")]
    public void An_error_names_line_and_column(string source, ChatTemplateErrorKind kind, int line, int column, string detail)
    {
        var error = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source).Render(Hello));
        Assert.Equal((kind, line, column, detail), (error.Kind, error.Line, error.Column, error.Detail));
        Assert.Equal($"Chat template, line {line}, column {column}: {detail}", error.Message);
    }

    [Theory]
    [InlineData("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")]
    [InlineData("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}")]
    [InlineData("{{ 'a' * 1000000000 }}")]
    [InlineData("{{ [0] * 1000000000 }}")]
    [InlineData("{{ '%1000000000d' % 1 }}")]
    [InlineData("{{ '{:1000000000}'.format(1) }}")]
    [InlineData("{{ '%.1000000000f' % 1 }}")]
    [InlineData("{{ 'a'.center(1000000000) }}")]
    [InlineData("{{ 'a' | indent(1000000000, true) }}")]
    [InlineData("{{ 2 ** 1000000000 }}")]
    [InlineData("{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}")]
    [InlineData("{% set n = namespace(x=[], y=[]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] %}{% endfor %}{{ n.x == n.y }}")]
    [InlineData("{% set n = namespace(x=()) %}{% for i in range(99) %}{% set n.x = (n.x, n.x) %}{% endfor %}{{ {n.x: 1} }}")]
    [InlineData("{% set n = namespace(x=[], y=[]) %}{% for i in range(100000) %}{% set n.x = [n.x] %}{% set n.y = [n.y] %}{% endfor %}{{ n.x == n.y }}")]
    [InlineData("{% set n = namespace(x=[]) %}{% for i in range(100000) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x }}")]
    [InlineData("{% set n = namespace(x=[]) %}{% for i in range(100000) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x | tojson }}")]
    [InlineData("{% set n = namespace(x=[]) %}{% for i in range(100000) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x | pprint }}")]
    [InlineData("{% set n = namespace(x=[1]) %}{% for i in range(100000) %}{% set n.x = n.x | map('string') %}{% endfor %}{{ n.x | list }}")]
    [InlineData("{% set n = namespace() %}{% set n.x = n %}{{ n }}")]
    [InlineData("{% for i in range(100000) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' * 100 }}{% endfor %}")]
    [InlineData("{% set s = 'ab' * 5000000 %}{% for i in range(100000) %}{{ 'x' if 'ba' * 9 ~ 'c' in s }}{% endfor %}")]
    public void A_bound_ends_what_would_not_end(string source) =>
        Assert.Equal(ChatTemplateErrorKind.Limit, Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source).Render(Hello)).Kind);

    [Theory]
    [InlineData("(", ")")]
    [InlineData("[", "]")]
    [InlineData("-", "")]
    [InlineData("not ", "")]
    [InlineData("1+", "")]
    [InlineData("1**", "")]
    [InlineData("1 or ", "")]
    [InlineData("1 if 1 else ", "")]
    [InlineData("{1:", "}")]
    [InlineData("", ".a")]
    [InlineData("", "|e")]
    [InlineData("", "(1)")]
    [InlineData("", "[0]")]
    public void Deep_expressions_are_refused(string before, string after)
    {
        var source = "{{ " + string.Concat(Enumerable.Repeat(before, 100_000)) + "1" + string.Concat(Enumerable.Repeat(after, 100_000)) + " }}";
        Assert.Equal(ChatTemplateErrorKind.Limit, Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source)).Kind);
    }

    [Fact]
    public void Deep_blocks_are_refused_and_a_small_stack_suffices()
    {
        var deep = string.Concat(Enumerable.Repeat("{% if true %}", 100_000));
        var nested = string.Concat(Enumerable.Repeat("{% if true %}", 300)) + "x" + string.Concat(Enumerable.Repeat("{% endif %}", 300));
        Exception? error = null;
        var thread = new Thread(() => error = Record.Exception(() =>
        {
            Assert.Equal(ChatTemplateErrorKind.Limit, Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(deep)).Kind);
            try
            {
                Assert.Equal("x", ChatTemplate.Parse(nested).Render([]).Text);
            }
            catch (ChatTemplateException e) when (e.Kind == ChatTemplateErrorKind.Limit)
            {
                // On so small a stack that is as good.
            }
        }), maxStackSize: 256 << 10);
        thread.Start();
        thread.Join();
        Assert.Null(error);
    }

    [Fact]
    public void Limits_can_be_set()
    {
        var options = new ChatTemplateOptions { Limits = new ChatTemplateLimits { MaxLength = 10, MaxSteps = 100, MaxDepth = 2 } };
        Assert.Equal("abc", ChatTemplate.Parse("abc").Render([], options).Text);
        foreach (var source in new[] { "0123456789{{ 1 }}", "{% for i in range(99) %}{% endfor %}", "{% macro m(n) %}{{ m(n - 1) if n }}{% endmacro %}{{ m(3) }}" })
            Assert.Equal(ChatTemplateErrorKind.Limit, Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source).Render([], options)).Kind);
    }

    [Theory]
    [InlineData("{% for i in range(99) %}{{ b == c }}{% endfor %}")]
    [InlineData("{% for i in range(99) %}{{ {b: 1} | length }}{% endfor %}")]
    public void Comparing_and_hashing_bytes_counts(string source)
    {
        const string Made = "{% set b = ('a' * 1000000).encode() %}{% set c = ('a' * 1000000).encode() %}";
        var options = new ChatTemplateOptions { Limits = new ChatTemplateLimits { MaxSteps = 500_000 } };
        Assert.Equal("", ChatTemplate.Parse(Made).Render([], options).Text);
        Assert.Equal(ChatTemplateErrorKind.Limit, Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(Made + source).Render([], options)).Kind);
    }

    [Theory]
    [InlineData("range(3)", "range(0, 3)", true)]
    [InlineData("range(0)", "range(2, 1, 7)", true)]
    [InlineData("range(0, 3, 2)", "range(0, 4, 2)", true)]
    [InlineData("range(5, 6)", "range(5, 9, 100)", true)]
    [InlineData("range(3)", "range(1, 4)", false)]
    [InlineData("range(0, 2)", "range(0, 4, 2)", false)]
    [InlineData("range(3)", "[0, 1, 2]", false)]
    public void Ranges_of_the_same_items_are_the_same_key(string left, string right, bool same)
    {
        Assert.Equal(same ? "True" : "False", ChatTemplate.Parse($"{{{{ {left} == {right} }}}}").Render([]).Text);
        if (same) Assert.Equal("1", ChatTemplate.Parse($"{{{{ {{{left}: 1}}[{right}] }}}}").Render([]).Text);
    }

    [Fact]
    public void A_tokenizer_chooses_among_its_templates()
    {
        var tokenizer = TestTokenizers.Parse(TestTokenizers.Json(), new TokenizerConfig
        {
            EosToken = "ab",
            ChatTemplate = "D{{ eos_token }}{{ bos_token is defined }}",
            NamedChatTemplates = new Dictionary<string, string> { ["tool_use"] = "T{{ tools | length }}", ["rag"] = "R{{ documents[0].text }}" }.ToImmutableDictionary(),
        });
        Assert.Equal("DabFalse", tokenizer.ApplyChatTemplate(Hello).Text);
        Assert.Equal("T1", tokenizer.ApplyChatTemplate(Hello, new ChatTemplateOptions { Tools = [new JsonObject()] }).Text);
        Assert.Equal("Rx", tokenizer.ApplyChatTemplate(Hello, new ChatTemplateOptions { TemplateName = "rag", Documents = [new JsonObject { ["text"] = "x" }] }).Text);
        Assert.Equal("DabFalse", tokenizer.ApplyChatTemplate(Hello, new ChatTemplateOptions { TemplateName = "default" }).Text);
        Assert.Equal(
            "The tokenizer has no chat template named \"no\": choose one of \"rag\", \"tool_use\".",
            Assert.Throws<InvalidOperationException>(() => tokenizer.ApplyChatTemplate(Hello, new ChatTemplateOptions { TemplateName = "no" })).Message);
        Assert.Contains("no chat template", Assert.Throws<InvalidOperationException>(() => TestTokenizers.Parse(TestTokenizers.Json()).ApplyChatTemplate(Hello)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_that_contradict_each_other_are_refused()
    {
        var template = ChatTemplate.Parse("{{ messages[-1].content }}");
        Assert.Throws<ArgumentException>(() => template.Render(Hello, new ChatTemplateOptions { ContinueFinalMessage = true, AddGenerationPrompt = true }));
        Assert.Throws<ArgumentException>(() => template.Render([], new ChatTemplateOptions { ContinueFinalMessage = true }));
        Assert.Throws<ArgumentException>(() => template.Render([new ChatMessage("user", null)], new ChatTemplateOptions { ContinueFinalMessage = true }));
        Assert.Throws<ArgumentException>(() => ChatTemplate.Parse("").Render(Hello, new ChatTemplateOptions { ContinueFinalMessage = true }));
        Assert.Equal("Hello", template.Render(Hello, new ChatTemplateOptions { ContinueFinalMessage = true }).Text);
    }

    [Fact]
    public void Broken_json_is_refused()
    {
        var template = ChatTemplate.Parse("{{ messages }}");
        var deep = new JsonObject();
        for (var i = 0; i < 100; i++) deep = new JsonObject { ["a"] = deep };
        Assert.Throws<ArgumentException>(() => template.Render([new ChatMessage(deep)]));
        var twice = JsonNode.Parse("""{"role": "user", "content": "a", "content": "b"}""")!.AsObject();
        Assert.Throws<ArgumentException>(() => template.Render([new ChatMessage(twice)]));
        Assert.Throws<ArgumentException>(() => template.Render(Hello, new ChatTemplateOptions { Variables = new JsonObject { ["a"] = deep } }));
    }

    [Fact]
    public void A_message_shows_role_and_content()
    {
        var parts = new ChatMessage(new JsonObject { ["role"] = "user", ["content"] = new JsonArray { new JsonObject { ["type"] = "text" } } });
        Assert.Equal(("user", null), (parts.Role, parts.Content));
        Assert.Equal(("user", "Hello"), (Hello[0].Role, Hello[0].Content));
        Assert.Null(new ChatMessage(new JsonObject()).Role);
    }
}
