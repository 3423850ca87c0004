using System.Text;
using System.Text.Json;
using FalconMamba.ChatTemplates;
using FalconMamba.Cli.Chat;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli.Tests;

public class ChatTests
{
    [Fact]
    public void Each_line_is_a_message_and_each_answer_ends_with_a_line_break()
    {
        var outcome = Falcon.Run("ROMEO:\n\nWho art thou?\n", ["chat", "-n", "5"]);
        Assert.Equal(0, outcome.Code);
        Assert.EndsWith("\n", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('>', outcome.Output);
        Assert.Equal(2, outcome.Error.Split("tokens/s; state: ").Length - 1);
        Assert.Equal("", Falcon.OutputFor("", ["chat"]));
        Assert.Equal("", Falcon.OutputFor("/exit\nROMEO:\n", ["chat"]));
    }

    [Fact]
    public void Only_what_is_new_is_read_and_the_answer_is_that_of_the_whole_conversation()
    {
        var replies = Talk.Replies(Chat("ROMEO:", "Who art thou?", "And why?"));
        Assert.Equal(3, replies.Length);
        string[] messages = ["ROMEO:", "Who art thou?", "And why?"];
        var conversation = new List<ChatMessage>();
        for (var i = 0; i < replies.Length; i++)
        {
            conversation.Add(new ChatMessage("user", messages[i]));
            Assert.Equal(Talk.Answer(Talk.Shipped, conversation), replies[i].Text);
            Assert.True(i == 0 ? replies[i].Read == replies[i].Whole : replies[i].Read < 20 && replies[i].Whole > 20 * i);
            conversation.Add(new ChatMessage("assistant", replies[i].Text));
        }
    }

    [Fact]
    public void Undo_goes_back_to_the_state_before_the_message()
    {
        var replies = Talk.Replies(Chat("ROMEO:", "Who art thou?", "/undo", "Who art thou?", "/undo", "Speak!", "/undo", "/undo", "ROMEO:"));
        Assert.Equal(replies[1].Text, replies[2].Text);
        Assert.True(replies[2].Read < replies[1].Whole / 2);
        Assert.Equal(Talk.Answer(Talk.Shipped, [new("user", "ROMEO:"), new("assistant", replies[0].Text), new("user", "Speak!")]), replies[3].Text);
        Assert.Equal(replies[0].Text, replies[4].Text);
        // The state before the second message is the one behind the first answer.
        Assert.Contains($"conversation: 2 messages, {replies[0].Whole + Talk.MostTokens} tokens", Falcon.Run("ROMEO:\nSpeak!\n/undo\n/info\n", Talk.Deterministic).Error, StringComparison.Ordinal);
        Assert.Contains("nothing to undo", Falcon.Run("/undo\n", ["chat"]).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_that_shows_the_past_differently_is_followed()
    {
        using var folder = new TemporaryFolder();
        Falcon.Output("convert", Falcon.Model, folder["model"], "--type", "F32");
        // Answers are cut short once they are old, as templates do with thoughts.
        File.WriteAllText(
            folder["model/chat_template.jinja"],
            "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + (m.content[:4] if m.role == 'assistant' else m.content) + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}");
        var replies = Talk.Replies(Falcon.OutputFor("ROMEO:\nWho art thou?\n", [Talk.Deterministic[0], folder["model"], .. Talk.Deterministic[1..]]));
        Assert.Equal(Talk.Answer(folder["model"], [new("user", "ROMEO:"), new("assistant", replies[0].Text), new("user", "Who art thou?")]), replies[1].Text);
        Assert.True(replies[1].Read < replies[1].Whole);

        File.WriteAllText(folder["model/chat_template.jinja"], "{{ raise_exception('no such talk') }}");
        var outcome = Falcon.Run("ROMEO:\n", ["chat", folder["model"]]);
        Assert.Equal((1, ""), (outcome.Code, outcome.Output));
        Assert.Contains("no such talk", outcome.Error, StringComparison.Ordinal);
        File.Delete(folder["model/chat_template.jinja"]);
        Falcon.Fails(1, "has no chat template", "chat", folder["model"]);
    }

    [Fact]
    public void The_prompt_is_shown_and_special_tokens_of_the_user_are_text()
    {
        const string expected = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n<|im_end|>Hi\nthere<|im_end|>\n<|im_start|>assistant\n";
        var output = Falcon.OutputFor("<|im_end|>Hi\\\nthere\n", ["chat", "--system", "Be brief.", "--dump-prompt"]);
        Assert.StartsWith($"{expected}\n", output, StringComparison.Ordinal);
        Assert.Equal(2, output.TrimEnd().Split('\n')[^1].Split(' ').Count(id => id == $"{Talk.EndOfMessage}"));
        using var json = JsonDocument.Parse(Falcon.OutputFor("\"\"\"<|im_end|>Hi\nthere\"\"\"\n", ["chat", "--system", "Be brief.", "--dump-prompt", "--json"]));
        Assert.Equal(expected, json.RootElement.GetProperty("prompt").GetString());
    }

    [Theory]
    [InlineData("a\\\nb\n", "a\nb")]
    [InlineData("\"\"\"\na\n\n/b\n\"\"\"\nc\n", "a\n\n/b")]
    [InlineData("\"\"\"a\nb", "a\nb")]
    [InlineData("//a\n", "/a")]
    [InlineData("a\\", "a\n")]
    public void Messages_may_have_several_lines(string input, string message)
    {
        using var json = JsonDocument.Parse(Falcon.OutputFor(input, ["chat", "--dump-prompt", "--json"]));
        Assert.Equal($"<|im_start|>user\n{message}<|im_end|>\n<|im_start|>assistant\n", json.RootElement.GetProperty("prompt").GetString());
    }

    [Fact]
    public void Commands_change_the_conversation_and_tell_about_it()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["text"], "First Citizen:");
        var outcome = Falcon.Run($"/system Speak.\n/file {folder["text"]}\nGo on.\n/info\n/sampling --temperature 0.5 -n 3\n/sampling\n/help\n", Talk.Deterministic);
        Assert.Equal(0, outcome.Code);
        var reply = Assert.Single(Talk.Replies(outcome.Output));
        Assert.Equal(Talk.Answer(Talk.Shipped, [new("system", "Speak."), new("user", "First Citizen:\n\nGo on.")]), reply.Text);
        foreach (var part in (string[])["conversation: 2 messages", "temperature 0.5", "max_new_tokens 3", "/undo"]) Assert.Contains(part, outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "there is no command /sing", "/sing\nROMEO:\n")]
    [InlineData(2, "takes a number from 0", "/sampling --temperature -1\n")]
    [InlineData(2, "--num-return-sequences", "/sampling --temperature 1 --num-return-sequences 2\n")]
    [InlineData(2, "--logprobs tells nothing without --json", "/sampling --logprobs 2\n")]
    [InlineData(1, "was not found", "/file absent-file\n")]
    [InlineData(2, "/file takes the name of a file", "/file\n")]
    public void A_script_ends_at_the_first_error(int code, string part, string input)
    {
        var outcome = Falcon.Run(input, ["chat"]);
        Assert.Equal((code, ""), (outcome.Code, outcome.Output));
        Assert.Contains(part, outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--sequence-bias 5,7=-2 --sequence-bias 9=0.5", "sequence_bias [[[5, 7], -2], [[9], 0.5]]")]
    [InlineData("--exponential-decay-length-penalty 20,1.05", "exponential_decay_length_penalty [20, 1.05]")]
    [InlineData("--bad-words-ids 5,7 --bad-words-ids 9", "bad_words_ids [[5, 7], [9]]")]
    [InlineData("--forced-eos-token-id 10", "forced_eos_token_id [10]")]
    [InlineData("--temperature 0.5", "do_sample true")]
    [InlineData("--num-beams 2 --early-stopping never", "early_stopping never")]
    [InlineData("--stop \"a, b\" --stop c", "stop_strings [\"a, b\", \"c\"]")]
    public void Settings_are_told_as_transformers_spells_them(string words, string expected)
    {
        var outcome = Falcon.Run($"/sampling {words}\n", ["chat"]);
        Assert.Equal((0, ""), (outcome.Code, outcome.Output));
        var told = outcome.Error.TrimEnd('\n').Split("; ");
        Assert.Contains(expected, told);
        Assert.All(told, setting => Assert.Matches(@"\A[a-z_]+ [^ ]", setting));
        Assert.DoesNotContain("FalconMamba", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_waits_for_a_message_that_counts()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["text"], "First Citizen:");
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        using var lines = new MemoryStream(Encoding.UTF8.GetBytes($"/file {folder["text"]}\nStop.\nGo on.\nAnd why?\n"));
        var terminal = new Terminal(output, error, lines);
        var history = new ChatHistory(Tokenizer.FromFolder(Talk.Shipped), system: null);
        var sampling = new ChatSampling(terminal, Talk.Shipped, new GenerationOptions { MaxNewTokens = Talk.MostTokens, LogitsProcessors = [new FirstStop()] }, Talk.EndOfMessage, tellsLogprobs: true);
        using var session = new ChatSession(terminal, history, Talk.Shipped, FalconMambaModel.Load(Talk.Shipped, new ModelOptions { Deterministic = true }));
        using var input = new ChatInput(terminal);
        using var interrupts = new ChatInterrupts(handlesSignals: false, TestContext.Current.CancellationToken);
        using var shelf = new ChatShelf(session);
        new ChatLoop(terminal, input, session, shelf, sampling) { Json = true }.Run(interrupts);

        var replies = Talk.Replies(output.ToString());
        var conversation = new List<ChatMessage> { new("user", "First Citizen:\n\nGo on.") };
        Assert.Equal(["", Talk.Answer(Talk.Shipped, conversation)], replies[..2].Select(reply => reply.Text));
        conversation.AddRange([new("assistant", replies[1].Text), new("user", "And why?")]);
        Assert.Equal(Talk.Answer(Talk.Shipped, conversation), Assert.Single(replies[2..]).Text);
        Assert.Contains("the message does not count, and the file goes before the next one", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_chat_at_a_screen_ends_when_nobody_reads_its_answers()
    {
        using var output = new ClosedPipe();
        using var error = new StringWriter { NewLine = "\n" };
        using var input = new MemoryStream("ROMEO:\n/help\n"u8.ToArray());
        var code = await CommandLine.RunAsync(Talk.Deterministic, new Terminal(output, error, input) { InputIsScreen = true }, TestContext.Current.CancellationToken);
        Assert.Equal(0, code);
        Assert.DoesNotContain("error: ", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("/undo", error.ToString(), StringComparison.Ordinal);
    }

    private static string Chat(params string[] lines) => Falcon.OutputFor(string.Join('\n', lines), Talk.Deterministic);

    /// <summary>Stops the first answer before it begins, as Ctrl-C does.</summary>
    private sealed class FirstStop : ILogitsProcessor
    {
        private bool _wasStopped;

        public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits)
        {
            if (_wasStopped) return;
            _wasStopped = true;
            throw new OperationCanceledException();
        }
    }

    private sealed class ClosedPipe : StringWriter
    {
        private const int BrokenPipe = 32;

        public override void Write(char value) => throw Closed();

        public override void Write(char[] buffer, int index, int count) => throw Closed();

        public override void Write(string? value) => throw Closed();

        public override void WriteLine(string? value) => throw Closed();

        private static IOException Closed() => new("Broken pipe", BrokenPipe);
    }
}
