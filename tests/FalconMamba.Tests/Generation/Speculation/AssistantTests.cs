using System.Text.Json.Nodes;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Sessions;
using FalconMamba.Tests.Sessions;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Generation.Speculation;

/// <summary>A model that guesses: what it reads of a text that goes on, and whose tokenizer it must have.</summary>
[Collection(nameof(Alone))]
public sealed class AssistantTests : IDisposable
{
    private const int Context = 300;

    private static readonly string Tiny = Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models", "tiny-f32");
    private static readonly string Shakespeare = Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m");

    private readonly FalconMambaModel _model = FalconMambaModel.Load(Tiny, new ModelOptions { Deterministic = true });
    private readonly CountingModel _assistant = new(FalconMambaModel.Load(Tiny, new ModelOptions { Deterministic = true }));

    private GenerationOptions Options =>
        new() { MaxNewTokens = 25, IgnoreEos = true, RepetitionPenalty = 1.2, AssistantModel = _assistant, AssistantConfidenceThreshold = 0 };

    public void Dispose()
    {
        _model.Dispose();
        _assistant.Dispose();
    }

    [Fact]
    public void Of_a_text_that_goes_on_it_reads_what_is_new()
    {
        using var generator = new TokenGenerator(_model, Options);
        using var state = _model.CreateState();
        var history = new TokenHistory();
        var prompt = Enumerable.Range(1, Context).ToArray();
        for (var turn = 0; turn < 3; turn++)
        {
            int[] answer = [.. generator.Generate(state, prompt, history)];
            AssertAllCameTrue(generator);
            // The prompt, the answer, and behind the last token as many as it goes ahead.
            Assert.InRange(_assistant.TakeCount(), prompt.Length, prompt.Length + 40);
            prompt = [answer[^1], 7, 8, 9];
        }
    }

    [Fact]
    public void Of_another_answer_to_a_prompt_it_reads_the_answer()
    {
        using var generator = new TokenGenerator(_model, Options);
        int[] prompt = [.. Enumerable.Range(1, Context)];
        using var behind = _model.CreateState();
        _model.Forward([new Chunk(behind, prompt.AsMemory(0, Context - 1)) { Logits = RowSelection.None }], []);
        foreach (var most in (int[])[Context + 40, 40, 40])
        {
            using var state = behind.Fork();
            Assert.Equal(25, generator.Generate(state, prompt.AsMemory(Context - 1), new TokenHistory(prompt)).Count());
            AssertAllCameTrue(generator);
            Assert.InRange(_assistant.TakeCount(), 1, most);
        }

        // Another text, and then the first one anew.
        foreach (var first in (int[])[5, 1])
        {
            using var state = _model.CreateState();
            prompt[0] = first;
            Assert.Equal(25, generator.Generate(state, prompt).Count());
            AssertAllCameTrue(generator);
            Assert.InRange(_assistant.TakeCount(), Context, Context + 40);
        }
    }

    [Fact]
    public void A_conversation_keeps_what_it_has_read()
    {
        var tokenizer = Tokenizer.FromFolder(Shakespeare);
        using var model = FalconMambaModel.Load(Shakespeare, new ModelOptions { Deterministic = true });
        using var assistant = new CountingModel(FalconMambaModel.Load(Shakespeare, new ModelOptions { Deterministic = true }));
        using var tree = new PrefixTree(model);
        using var session = new Session(model, tokenizer, tree, "talk");
        var options = new GenerationOptions { MaxNewTokens = 20, AssistantModel = assistant, AssistantTokenizer = tokenizer };
        session.Append(string.Concat(Enumerable.Repeat("To be, or not to be: that is the question. ", 20)));
        foreach (var isFirst in (bool[])[true, false])
        {
            var before = session.Ids.Length;
            Assert.NotEmpty(string.Concat(session.Generate(options)));
            Assert.InRange(assistant.TakeCount(), isFirst ? before : 1, isFirst ? before + 60 : 60);
            session.Append("And so?");
        }
    }

    [Fact]
    public void One_with_another_tokenizer_is_refused()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = Tokenizer.FromFolder(Shakespeare);
        using var model = new PretrainedModel(FalconMambaModel.Load(Shakespeare), Shakespeare);
        using var pipeline = new TextGenerationPipeline(model, tokenizer);
        foreach (var file in Directory.EnumerateFiles(Shakespeare)) File.Copy(file, folder[Path.GetFileName(file)]);
        using (var same = Load()) Assert.NotEmpty(pipeline.Generate("ROMEO:", new() { MaxNewTokens = 3, AssistantModel = same }));

        var (a, b) = (tokenizer.IdToToken(500)!, tokenizer.IdToToken(501)!);
        var json = JsonNode.Parse(File.ReadAllText(folder["tokenizer.json"]))!;
        (json["model"]!["vocab"]![a], json["model"]!["vocab"]![b]) = (501, 500);
        File.WriteAllText(folder["tokenizer.json"], json.ToJsonString());
        using var other = Load();
        foreach (var refused in (Action[])
        [
            () => pipeline.Generate("ROMEO:", new() { AssistantModel = other }),
            () => pipeline.Stream("ROMEO:", new() { AssistantModel = other }),
            () => model.Generate(tokenizer.Encode("ROMEO:"), new() { AssistantModel = other }, tokenizer),
            () => new TextGenerator(model, tokenizer, new() { AssistantModel = other, AssistantTokenizer = other.Tokenizer }).Dispose(),
        ])
            Assert.Contains($"token 500 is \"{b}\" there and \"{a}\" here", Assert.Throws<ArgumentException>(refused).Message, StringComparison.Ordinal);

        // One that does not tell its tokenizer can only be compared by its size.
        File.Delete(folder["tokenizer.json"]);
        using var unknown = Load();
        Assert.Null(unknown.Tokenizer);
        Assert.NotEmpty(pipeline.Generate("ROMEO:", new() { MaxNewTokens = 3, AssistantModel = unknown }));
        Assert.Contains("assistant_tokenizer", Assert.Throws<ArgumentException>(new GenerationOptions { AssistantTokenizer = tokenizer }.Check).Message, StringComparison.Ordinal);

        PretrainedModel Load() => new(FalconMambaModel.Load(folder.Root), folder.Root);
    }

    // Guesses of the model itself: fewer come true where its state is not what it should be. The last step may be cut short.
    private static void AssertAllCameTrue(TokenGenerator generator)
    {
        Assert.InRange(generator.Speculation.Drafted, 15, 25);
        Assert.Equal(generator.Speculation.Drafted, generator.Speculation.Accepted);
    }
}
