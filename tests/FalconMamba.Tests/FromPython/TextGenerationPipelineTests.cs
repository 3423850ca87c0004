using FalconMamba.ChatTemplates;
using FalconMamba.Generation;

namespace FalconMamba.Tests.FromPython;

/// <summary>The pipeline's texts, conversations and defaults.</summary>
public sealed class TextGenerationPipelineTests : IDisposable
{
    private readonly TextGenerationPipeline _pipe = Pipeline.TextGeneration("shakespeare-4m");

    public void Dispose() => _pipe.Dispose();

    [Fact]
    public void The_full_text_begins_with_the_prompt()
    {
        var options = new GenerationOptions { MaxNewTokens = 12, DoSample = false };
        var full = Assert.Single(_pipe.Generate("ROMEO:", options));
        var answer = Assert.Single(_pipe.Generate("ROMEO:", options, returnFullText: false));
        Assert.Equal("ROMEO:" + answer.GeneratedText, full.GeneratedText);
        Assert.Equal(FinishReason.Length, full.FinishReason);
        Assert.Empty(full.Messages);
        Assert.Equal(answer.GeneratedText, string.Concat(_pipe.Stream("ROMEO:", options)));
        var ids = _pipe.Model.Generate(_pipe.Tokenizer.Encode("ROMEO:"), options);
        Assert.Equal(full.GeneratedText, _pipe.Tokenizer.Decode(ids[0], skipSpecialTokens: true));
    }

    [Fact]
    public void Several_sequences_are_several_results()
    {
        var results = _pipe.Generate("ROMEO:", new() { MaxNewTokens = 12, NumReturnSequences = 3 });
        Assert.Equal(3, results.Select(result => result.GeneratedText).Distinct().Count());
    }

    [Fact]
    public void What_nobody_gives_is_the_pipelines_own()
    {
        var drawn = new GenerationOptions { MaxNewTokens = 12, DoSample = true, Temperature = 0.7, IgnoreEos = true };
        Assert.Equal(Text(drawn), Text(new() { MaxNewTokens = 12, IgnoreEos = true }));
        Assert.Equal(Text(drawn with { MaxNewTokens = 256 }), Text(new() { IgnoreEos = true }));
        Assert.NotEqual(Text(drawn), Text(drawn with { DoSample = false, Temperature = null }));
        Assert.Equal(FinishReason.Length, _pipe.Generate("ROMEO:", new() { MaxLength = 9 })[0].FinishReason);

        string Text(GenerationOptions options) => _pipe.Generate("ROMEO:", options)[0].GeneratedText;
    }

    [Fact]
    public void A_conversation_gets_an_answer()
    {
        ChatMessage[] messages = [new("system", "Speak."), new("user", "Who is there?")];
        var options = new GenerationOptions { MaxNewTokens = 12, DoSample = false };
        var result = Assert.Single(_pipe.Generate(messages, options));
        Assert.Equal(messages, result.Messages[..^1]);
        Assert.Equal("assistant", result.Messages[^1].Role);
        Assert.Equal(result.GeneratedText, result.Messages[^1].Content);

        var chat = _pipe.Tokenizer.ApplyChatTemplate(messages, new() { AddGenerationPrompt = true });
        Assert.Equal(_pipe.Model.GenerateInDetail(_pipe.Tokenizer.Encode(chat), options, _pipe.Tokenizer).Answers[0].Text, result.GeneratedText);
    }

    [Fact]
    public void An_answer_that_was_begun_is_gone_on_with()
    {
        ChatMessage[] messages = [new("user", "Who is there?"), new("assistant", "It is the")];
        var result = Assert.Single(_pipe.Generate(messages, new() { MaxNewTokens = 5, DoSample = false }));
        Assert.Equal(2, result.Messages.Length);
        Assert.Equal("It is the" + result.GeneratedText, result.Messages[^1].Content);
        Assert.Equal("It is the", messages[1].Content);
    }

    [Fact]
    public void Bad_input_is_told()
    {
        Assert.Throws<ArgumentException>(() => _pipe.Generate(""));
        Assert.Throws<ArgumentException>(() => _pipe.Generate(Array.Empty<ChatMessage>()));
        Assert.Throws<ArgumentException>(() => _pipe.Generate("ROMEO:", new() { DoSample = false, Temperature = 0.5 }));
        Assert.Throws<ArgumentException>(() => _pipe.Stream("ROMEO:", new() { NumReturnSequences = 2 }));
        Assert.Throws<OperationCanceledException>(() => _pipe.Generate("ROMEO:", cancellationToken: new CancellationToken(true)));
    }
}
