using FalconMamba.Extensions.AI.Chat;
using Microsoft.Extensions.AI;

namespace FalconMamba.Extensions.AI.Tests;

public class ToolTests
{
    private const string Call = "Wait. <tool_call>{\"name\": \"age\", \"arguments\": {\"person\": \"Hamlet\"}}</tool_call>";

    private static readonly AIFunction Age = AIFunctionFactory.Create((string person) => person == "Hamlet" ? 30 : 0, "age", "A person's age.");

    [Theory]
    [InlineData("{{ messages[0].content }}", "has no place for tools")]
    [InlineData("{{ messages[0].content }}{% if tools %}[CALL]{{ tools | tojson }}{% endif %}", "a form of its own")]
    [InlineData("{{ messages[0].content }}{% if tools %}<tool_call>{% endif %}", null)]
    public void What_a_template_says_of_tools_does_not_depend_on_what_users_say(string template, string? obstacle)
    {
        var tools = new ToolTemplate(TestEngine.TokenizerWith(template), "m");
        if (obstacle is null) tools.ThrowIfUnsupported();
        else Assert.Contains(obstacle, Assert.Throws<UnsupportedOptionException>(tools.ThrowIfUnsupported).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_comes_as_content()
    {
        using var engine = new TestEngine(withTools: true);
        engine.WillSay(Call);
        var response = await engine.Client.GetResponseAsync(TestEngine.Say("How old is Hamlet?"), new ChatOptions { Tools = [Age] });
        Assert.Equal(("Wait. ", ChatFinishReason.ToolCalls), (response.Text, response.FinishReason));
        var call = Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.Equal(("age", "Hamlet"), (call.Name, call.Arguments!["person"]!.ToString()));
        Assert.False(string.IsNullOrEmpty(call.CallId));
    }

    [Fact]
    public async Task Function_invocation_goes_round_and_the_result_reaches_the_model()
    {
        using var engine = new TestEngine(withTools: true);
        using var client = new ChatClientBuilder(engine.Client).UseFunctionInvocation().Build();
        engine.WillSay(Call);
        engine.ThenSay("He is thirty.");
        var response = await client.GetResponseAsync(TestEngine.Say("How old is Hamlet?"), new ChatOptions { Tools = [Age] });
        Assert.Equal("He is thirty.", response.Messages[^1].Text);
        Assert.Equal(["assistant", "tool", "assistant"], response.Messages.Select(message => message.Role.Value));
        Assert.Equal("30", Assert.Single(response.Messages[1].Contents.OfType<FunctionResultContent>()).Result!.ToString());
    }

    [Fact]
    public async Task One_call_ends_the_answer_where_only_one_is_allowed()
    {
        using var engine = new TestEngine(withTools: true);
        engine.WillSay(Call + Call);
        var options = new ChatOptions { Tools = [Age], AllowMultipleToolCalls = false };
        var response = await engine.Client.GetResponseAsync(TestEngine.Say("How old is Hamlet?"), options);
        Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.NotEmpty(engine.Model.Script!);
    }

    [Fact]
    public void Calls_and_results_have_the_layout_of_the_chat_completions_api()
    {
        ChatMessage[] messages =
        [
            new(ChatRole.Assistant, [new TextReasoningContent("hm"), new FunctionCallContent("c1", "age", new Dictionary<string, object?> { ["person"] = "Hamlet", ["year"] = 1 })]),
            new(ChatRole.Tool, [new FunctionResultContent("c1", "thirty"), new FunctionResultContent("c2", new[] { 1, 2 })]),
        ];
        Assert.Equal(
            [
                """{"role":"assistant","content":"","reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"age","arguments":{"person":"Hamlet","year":1}}}]}""",
                """{"role":"tool","tool_call_id":"c1","content":"thirty"}""",
                """{"role":"tool","tool_call_id":"c2","content":"[1,2]"}""",
            ],
            TemplateMessages.Of(messages).Select(message => message.Fields.ToJsonString()));
    }

    [Theory]
    [InlineData("a < b <tool", "a < b <tool")]
    [InlineData("<tool_call>no json</tool_call>!", "<tool_call>no json</tool_call>!")]
    [InlineData("<tool_call>[1]</tool_call>", "<tool_call>[1]</tool_call>")]
    [InlineData("<tool_call>{\"name\": 3}</tool_call>", "<tool_call>{\"name\": 3}</tool_call>")]
    [InlineData("<tool_call>{\"name\": \"x\"", "<tool_call>{\"name\": \"x\"")]
    [InlineData("a<tool_call>{\"name\": \"x\"}</tool_call>b<tool_call> {\"name\": \"y\", \"arguments\": {}}\n</tool_call>", "a[x]b[y]")]
    public void Calls_are_found_however_the_answer_is_cut(string answer, string expected)
    {
        for (var size = 1; size <= answer.Length; size++)
        {
            var reader = new ToolCallReader("id");
            var contents = answer.Chunk(size).SelectMany(piece => reader.Push(new string(piece))).ToList();
            contents.AddRange(reader.Flush());
            Assert.Equal(expected, string.Concat(contents.Select(content => content is FunctionCallContent call ? $"[{call.Name}]" : content.ToString())));
        }
    }
}
