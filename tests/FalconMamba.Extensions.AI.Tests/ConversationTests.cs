using Microsoft.Extensions.AI;

namespace FalconMamba.Extensions.AI.Tests;

/// <summary>Conversations that are kept between requests.</summary>
public class ConversationTests
{
    private static readonly ChatOptions Short = new() { MaxOutputTokens = 20 };

    private static FalconMambaOptions Keeping => new() { ConversationBytes = 64 << 20, Deterministic = true };

    [Fact]
    public async Task A_conversation_goes_on_as_if_all_of_it_were_given()
    {
        using var keeping = new TestEngine(Keeping);
        using var forgetting = new TestEngine(new FalconMambaOptions { Deterministic = true });
        var history = new List<ChatMessage>();
        var conversation = (string?)null;
        foreach (var text in (string[])["Who goes there?", "And whither?", "Farewell."])
        {
            history.AddRange(TestEngine.Say(text));
            var all = await forgetting.Client.GetResponseAsync(history, Short, TestContext.Current.CancellationToken);
            var response = await keeping.Client.GetResponseAsync(TestEngine.Say(text), Go(conversation), TestContext.Current.CancellationToken);
            Assert.Equal((all.Text, all.Usage!.InputTokenCount), (response.Text, response.Usage!.InputTokenCount));
            Assert.Equal(conversation is null, response.Usage.CachedInputTokenCount == 0);
            Assert.Null(all.ConversationId);
            Assert.NotEqual(conversation, response.ConversationId);
            // Traces and logs hold the response's id.
            Assert.NotEqual(response.ResponseId, response.ConversationId);
            conversation = response.ConversationId;
            history.AddRange(all.Messages);
        }
    }

    [Fact]
    public async Task An_answer_may_be_gone_on_from_more_than_once()
    {
        using var engine = new TestEngine(Keeping);
        var first = await engine.Client.GetResponseAsync(TestEngine.Say("Who goes there?"), Short, TestContext.Current.CancellationToken);
        var answers = new List<string>();
        foreach (var text in (string[])["And whither?", "Farewell.", "And whither?"])
            answers.Add((await engine.Client.GetResponseAsync(TestEngine.Say(text), Go(first.ConversationId), TestContext.Current.CancellationToken)).Text);
        Assert.Equal(answers[0], answers[2]);
        Assert.NotEqual(answers[0], answers[1]);
    }

    [Fact]
    public async Task Another_conversation_finds_nothing_of_it()
    {
        using var engine = new TestEngine(Keeping);
        for (var i = 0; i < 2; i++)
        {
            var response = await engine.Client.GetResponseAsync(TestEngine.Say("Who goes there?"), Short, TestContext.Current.CancellationToken);
            Assert.Equal(0, response.Usage!.CachedInputTokenCount);
        }
    }

    [Fact]
    public async Task An_id_that_nobody_gave_is_refused()
    {
        using var engine = new TestEngine(Keeping);
        var fault = await Assert.ThrowsAsync<UnsupportedOptionException>(() => engine.Client.GetResponseAsync(TestEngine.Say("And whither?"), Go("1"), TestContext.Current.CancellationToken));
        Assert.Equal(nameof(ChatOptions.ConversationId), fault.Option);
    }

    [Fact]
    public async Task Results_of_functions_go_to_the_conversation_that_called_them()
    {
        using var engine = new TestEngine(Keeping, withTools: true);
        using var agent = engine.Client.AsBuilder().UseFunctionInvocation().Build();
        engine.WillSay("""<tool_call>{"name": "time", "arguments": {}}</tool_call>""");
        engine.ThenSay("Noon.");
        var response = await agent.GetResponseAsync(
            TestEngine.Say("What time is it?"), new ChatOptions { Tools = [AIFunctionFactory.Create(() => "12:00", "time")] }, TestContext.Current.CancellationToken);
        Assert.Equal("Noon.", response.Messages[^1].Text);
        Assert.True(response.Usage!.CachedInputTokenCount > 0);
    }

    [Fact]
    public async Task Text_without_end_is_not_kept()
    {
        using var engine = new TestEngine(new FalconMambaOptions { ConversationBytes = 80_000 });
        var first = await engine.Client.GetResponseAsync(TestEngine.Say("Who goes there?"), Short, TestContext.Current.CancellationToken);
        for (var i = 0; i < 4; i++) await engine.Client.GetResponseAsync(TestEngine.Say(new string('x', 1000)), Short, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<UnsupportedOptionException>(() => engine.Client.GetResponseAsync(TestEngine.Say("And whither?"), Go(first.ConversationId), TestContext.Current.CancellationToken));
    }

    private static ChatOptions Go(string? conversation) => new() { MaxOutputTokens = Short.MaxOutputTokens, ConversationId = conversation };
}
