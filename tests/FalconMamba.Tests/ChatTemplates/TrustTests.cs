using System.Text.Json.Nodes;
using FalconMamba.ChatTemplates;
using FalconMamba.ChatTemplates.Values;
using FalconMamba.Tests.Tokenization;

namespace FalconMamba.Tests.ChatTemplates;

public class TrustTests
{
    // Rare ideographs: no template holds them, and nothing prints them as escapes.
    private const char First = '\u3400', Last = '\u34FF';

    private static readonly (string, string)[] SpecialTokens = [("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>"), ("pad_token", "<pad>")];

    [Theory]
    [InlineData("{{ m.content }}")]
    [InlineData("{{ '<a>' + m.content + '<b>' }}")]
    [InlineData("{{ '<a>' ~ m.content ~ '<b>' }}")]
    [InlineData("{{ m.content | trim | upper | replace('Q', 'q') | indent(2) | truncate(200) }}")]
    [InlineData("{{ m.content[1:-1][::-1] }}")]
    [InlineData("{{ m.content.split('Q') | join('<sep>') }}")]
    [InlineData("{{ '<sep>'.join(m.content) }}")]
    [InlineData("{{ ('%s<x>%s' % (m.content, 1)) ~ '{}<y>'.format(m.content) }}")]
    [InlineData("{{ m | tojson }}{{ m }}{{ [m.content] }}{{ m.content | list | string }}")]
    [InlineData("{{ m.content | e }}{{ m.content | urlencode }}{{ m.content | wordwrap(3) }}{{ m.content | center(80) }}")]
    [InlineData("{% set x %}<a>{{ m.content }}<b>{% endset %}{{ x }}{{ x * 2 }}{% filter title %}{{ x }}{% endfilter %}")]
    [InlineData("{% macro f(a) %}<{{ a }}>{{ caller() }}{% endmacro %}{% call f(m.content) %}{{ m.content }}{% endcall %}")]
    [InlineData("{{ 'aXb'.replace('X', m.content) }}{{ 'abc'.center(99, m.content[0]) }}{{ m.content.encode().decode() }}")]
    [InlineData("{{ m.content | striptags }}{{ m.content | urlize }}{{ {'k': m.content} | xmlattr }}{{ {m.content: 1} }}")]
    [InlineData("{{ 'x'.translate({120: m.content}) }}{{ m.content.expandtabs() }}{{ m.content.swapcase() }}{{ m.content | pprint }}")]
    [InlineData("{{ dict(**{m.content: 1}) }}{% macro f() %}{{ kwargs }}{% endmacro %}{{ f(**{m.content: 1}) }}{{ namespace(**{m.content: 1}) }}")]
    [InlineData("{{ ('{:' ~ m.content[2] ~ '>9}').format('') }}{{ m.content[2:] | map('replace', 'Q', 'q') | list }}{{ '%c' % 13312 }}{{ '{:c}'.format(13312) }}")]
    [InlineData("{{ '%5s|%-5.2s|%r' | format(m.content, m.content, m.content) }}{{ '{:>30}'.format(m.content) }}{{ m.content.partition('Q') }}")]
    public void What_came_from_a_message_stays_untrusted(string body)
    {
        var content = "Q " + new string([.. Enumerable.Range(0, 20).Select(static i => (char)(First + i))]) + " Q";
        var chat = ChatTemplate.Parse("{% set m = messages[0] %}" + body).Render([new ChatMessage("user", content)]);
        Assert.Contains(chat.Text, IsForeign);
        CheckTrust(chat);
    }

    [Fact]
    public void What_the_template_wrote_stays_trusted()
    {
        var chat = ChatTemplate.Parse("{% set b = '<|Start|>' %}{{ b | lower ~ b[2:-2].upper() }}{{ ' x ' | trim }}{{ ['a', 1.5, {'k': none}] }}{{ '%s' % b }}{{ ns | default('d') }}").Render([]);
        Assert.Equal("<|start|>STARTx['a', 1.5, {'k': None}]<|Start|>d", chat.Text);
        Assert.Equal([0..chat.Text.Length], chat.TrustedRanges);
    }

    [Fact]
    public void A_part_is_trusted_as_the_whole_is()
    {
        foreach (var parts in new[] { "tt", "u", "uutt", "tuut", "utututu", "ttuutttuu" })
        {
            var builder = new TextBuilder();
            foreach (var part in parts) builder.Append("x", part == 't');
            var text = builder.ToText();
            for (var start = 0; start < parts.Length; start++)
            {
                for (var length = 1; start + length <= parts.Length; length++)
                {
                    var expected = parts.Substring(start, length);
                    Assert.Equal(expected, Trust(text.Cut(start, length)));
                    Assert.Equal(expected, Trust(new TextBuilder().Append(text, start, length).ToText()));
                }
            }
        }

        static string Trust(Text text) => string.Concat(text.Runs().Select(static run => new string(run.Trusted ? 't' : 'u', run.Length)));
    }

    // A cut that walked all of the million edges would take this test many minutes.
    [Theory]
    [InlineData("{% for c in t %}{{ c if loop.last }}{% endfor %}")]
    [InlineData("{{ (t | replace('a', 'b'))[-1] }}")]
    public void Cutting_costs_what_the_part_holds(string body)
    {
        var chat = ChatTemplate.Parse("{% set t = ('a' ~ messages[0].content) * 500000 %}" + body).Render([new ChatMessage("user", "x")]);
        Assert.Equal("x", chat.Text);
        Assert.Empty(chat.TrustedRanges);
    }

    [Fact]
    [Trait("Category", "Golden")]
    public void No_template_makes_a_message_trusted() =>
        FixtureFolder.ForEach(TemplateFixtures.Category, TemplateFixtures.Chats, isPart: true, check: static row =>
        {
            if (row.Expected is null || row.Options.ContinueFinalMessage) return;
            var messages = row.Messages.Select(static message => new ChatMessage(Hide(message.Fields).AsObject())).ToList();
            RenderedChat chat;
            try
            {
                chat = row.Template.Render(messages, row.Options);
            }
            catch (ChatTemplateException)
            {
                // Some templates want certain contents, and these are others.
                return;
            }

            CheckTrust(chat);
        });

    [Fact]
    [Trait("Category", "Golden")]
    public void Around_a_message_every_template_is_trusted() =>
        FixtureFolder.ForEach(TemplateFixtures.Category, TemplateFixtures.Chats, isPart: true, check: static row =>
        {
            if (row.Expected is null || row.Name != "single_user_gen") return;
            var chat = row.Template.Render([new ChatMessage("user", new string(First, 9))], new ChatTemplateOptions { AddGenerationPrompt = true, Clock = row.Options.Clock }, SpecialTokens);
            for (var i = 0; i < chat.Text.Length; i++) Assert.Equal(!IsForeign(chat.Text[i]), IsTrusted(chat, i));
        });

    [Fact]
    public void A_special_token_that_a_user_types_is_ordinary_text()
    {
        var tokenizer = TokenizerFixtures.Named("falcon-instruct");
        var special = tokenizer.AddedTokens.Where(static token => token.Special).ToList();
        var ids = special.Select(static token => token.Id).ToHashSet();
        var options = new ChatTemplateOptions { AddGenerationPrompt = true };
        var plain = Special(tokenizer.Encode(tokenizer.ApplyChatTemplate([new ChatMessage("user", "hello")], options)));
        Assert.NotEmpty(plain);
        foreach (var token in special)
        {
            ChatMessage[] messages = [new("user", $"a{token.Content} {token.Content}b")];
            var chat = tokenizer.ApplyChatTemplate(messages, options);
            Assert.Equal(plain, Special(tokenizer.Encode(chat)));
            Assert.Contains(messages[0].Content!, tokenizer.Decode(tokenizer.Encode(chat)), StringComparison.Ordinal);
            var asReference = tokenizer.ApplyChatTemplate(messages, options with { TrustsMessages = true });
            Assert.Equal(chat.Text, asReference.Text);
            Assert.Equal(tokenizer.Encode(chat.Text, addSpecialTokens: false), tokenizer.Encode(asReference));
            Assert.True(Special(tokenizer.Encode(asReference)).Length > plain.Length);
        }

        int[] Special(int[] all) => [.. all.Where(ids.Contains)];
    }

    [Fact]
    public void A_harmless_conversation_has_the_references_ids()
    {
        var tokenizer = TokenizerFixtures.Named("falcon-instruct");
        ChatMessage[] messages = [new("system", "Be brief."), new("user", "How many?"), new("assistant", "Two."), new("user", "Why?")];
        var chat = tokenizer.ApplyChatTemplate(messages, new ChatTemplateOptions { AddGenerationPrompt = true });
        Assert.Equal(tokenizer.Encode(chat.Text), tokenizer.Encode(chat));
    }

    private static bool IsForeign(char unit) => unit is >= First and <= Last;

    private static bool IsTrusted(RenderedChat chat, int place) => chat.TrustedRanges.Any(range => range.Start.Value <= place && place < range.End.Value);

    private static void CheckTrust(RenderedChat chat)
    {
        foreach (var range in chat.TrustedRanges) Assert.DoesNotContain(chat.Text[range], IsForeign);
    }

    // The same message with rare characters for those of its texts; roles and kinds stay.
    private static JsonNode Hide(JsonNode node, string? key = null) => node switch
    {
        JsonObject fields => new JsonObject(fields.Select(static field => KeyValuePair.Create(field.Key, field.Value is null ? null : Hide(field.Value, field.Key)))),
        JsonArray items => new JsonArray([.. items.Select(item => item is null ? null : Hide(item, key))]),
        JsonValue value when value.TryGetValue<string>(out var text) && key is not ("role" or "type") =>
            new string([.. text.Select(static (unit, i) => char.IsWhiteSpace(unit) ? unit : (char)(First + i % 256))]),
        _ => node.DeepClone(),
    };
}
