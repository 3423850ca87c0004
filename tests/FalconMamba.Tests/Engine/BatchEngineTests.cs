using FalconMamba.Engine;
using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Engine;

public sealed class BatchEngineTests : IDisposable
{
    private static readonly int[] Prompt = [3, 17, 5, 8];

    private readonly FalconMambaModel _model = EngineModels.Tiny();
    private readonly WatchedModel _watched;

    public BatchEngineTests() => _watched = new WatchedModel(_model);

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task Streams_are_what_they_would_be_alone()
    {
        using var engine = new BatchEngine(_watched);
        var requests = Enumerable.Range(0, 20).Select(i => EngineModels.Request(EngineModels.Prompt(1 + (i * 7), i), 10 + i, (ulong)i)).ToArray();
        var answers = await Task.WhenAll(requests.Select(request => EngineModels.IdsOf(engine.Submit(request))));
        for (var i = 0; i < requests.Length; i++) Assert.Equal(EngineModels.Alone(_model, requests[i]), answers[i]);
        Assert.True(_watched.MostChunks > 1);
        _watched.AssertNoStateIsLeft();
    }

    [Fact]
    public async Task Text_and_stop_strings_are_those_of_a_single_generation()
    {
        using var model = FalconMambaModel.Load(EngineModels.Shakespeare, new ModelOptions { Deterministic = true });
        var tokenizer = Tokenizer.FromFolder(EngineModels.Shakespeare);
        using var engine = new BatchEngine(model, tokenizer);
        var options = new GenerationOptions { DoSample = true, MaxNewTokens = 60, Seed = 2, StopStrings = [", "], Logprobs = 2 };
        var prompt = tokenizer.Encode("ROMEO:");
        var expected = model.GenerateInDetail(prompt, options, tokenizer).Answers.Single();
        var tokens = engine.Submit(new GenerationRequest { Prompt = prompt, Options = options });
        var read = new List<GeneratedToken>();
        await foreach (var token in tokens) read.Add(token);
        Assert.Equal(expected.Ids, read.Select(token => token.Id));
        Assert.Equal(expected.Text, string.Concat(read.Select(token => token.Text)));
        Assert.Equal(expected.Tokens.Select(token => token.Chosen), read.Select(token => token.Details!.Chosen));
        Assert.Equal((FinishReason.StopString, ", ", prompt.Length), (tokens.FinishReason, tokens.StopString, tokens.PromptTokensRead));
    }

    [Fact]
    public async Task A_given_state_goes_on_where_it_was()
    {
        using var engine = new BatchEngine(_model);
        var options = EngineModels.Drawing(20) with { RepetitionPenalty = 1.5, FrequencyPenalty = 0.5 };
        var whole = EngineModels.Alone(_model, new GenerationRequest { Prompt = Prompt, Options = options });
        using var state = _model.CreateState();
        var history = new TokenHistory();
        var first = await EngineModels.IdsOf(engine.Submit(new GenerationRequest { Prompt = Prompt, Options = options with { MaxNewTokens = 8 }, State = state, History = history }));
        Assert.Equal((11, 12), (state.TokenCount, history.Count));
        var second = await EngineModels.IdsOf(engine.Submit(new GenerationRequest
        {
            Prompt = new[] { first[^1] },
            Options = options with { MaxNewTokens = 12 },
            State = state,
            History = history,
        }));
        Assert.Equal(whole, (int[])[.. first, .. second]);

        // A past with nothing behind it gives its next token without reading one again.
        using var past = _model.CreateState();
        _model.Forward([new Chunk(past, Prompt) { Logits = RowSelection.None }], []);
        Assert.Equal(whole[..1], await EngineModels.IdsOf(engine.Submit(new GenerationRequest { Prompt = default, Options = EngineModels.Drawing(1), State = past })));
    }

    [Fact]
    public async Task A_state_takes_part_in_one_request_at_a_time()
    {
        using var engine = new BatchEngine(_watched);
        using var state = _model.CreateState();
        using var gate = new Gate(_watched);
        var first = engine.Submit(EngineModels.Request(Prompt, 3) with { State = state });
        gate.Begun.Wait();
        var second = engine.Submit(EngineModels.Request(Prompt, 3) with { State = state });
        gate.Release.Set();
        await Assert.ThrowsAsync<InvalidOperationException>(() => second.Completion);
        Assert.Equal(3, (await EngineModels.IdsOf(first)).Length);
    }

    [Fact]
    public async Task What_is_wrong_with_one_request_ends_that_one_alone()
    {
        using var engine = new BatchEngine(_watched);
        using var state = _model.CreateState();
        using var gate = new Gate(_watched);
        var good = engine.Submit(EngineModels.Request(Prompt, 6));
        gate.Begun.Wait();
        var throwing = engine.Submit(new GenerationRequest { Prompt = Prompt, Options = new() { MaxNewTokens = 6, LogitsProcessors = [new Thrower()] } });
        // Nobody but the engine may use it now, and somebody does: the pass as a whole is refused.
        var busy = engine.Submit(EngineModels.Request(Prompt, 6, 2) with { State = state });
        Assert.True(state.TryEnter());
        gate.Release.Set();
        Assert.Equal("thrown", (await Assert.ThrowsAsync<InvalidDataException>(() => throwing.Completion)).Message);
        await Assert.ThrowsAsync<ArgumentException>(() => busy.Completion);
        Assert.Equal(EngineModels.Alone(_model, EngineModels.Request(Prompt, 6)), await EngineModels.IdsOf(good));
        _watched.AssertNoStateIsLeft();
    }

    [Fact]
    public async Task A_failed_pass_ends_those_that_took_part()
    {
        using var engine = new BatchEngine(_watched);
        _watched.OnForward = (number, _) =>
        {
            if (number == 2) throw new InvalidDataException("broken");
        };
        await Assert.ThrowsAsync<InvalidDataException>(() => EngineModels.IdsOf(engine.Submit(EngineModels.Request(Prompt, 5))));
        Assert.Equal(5, (await EngineModels.IdsOf(engine.Submit(EngineModels.Request(Prompt, 5)))).Length);
        _watched.AssertNoStateIsLeft();
    }

    [Fact]
    public void Bad_requests_are_refused_before_they_wait()
    {
        using var engine = new BatchEngine(_watched);
        Refused("vocabulary", EngineModels.Request([1, 1_000_000], 1));
        Refused("vocabulary", EngineModels.Request([-1], 1));
        Refused("empty", EngineModels.Request([], 1));
        Refused("num_beams", new GenerationRequest { Prompt = Prompt, Options = new() { NumBeams = 2 } });
        Refused("tokenizer", new GenerationRequest { Prompt = Prompt, Options = new() { StopStrings = ["x"] } });
        Refused("suppress_tokens", new GenerationRequest { Prompt = Prompt, Options = new() { SuppressTokens = [100_000] } });
        Refused("max_length", new GenerationRequest { Prompt = new int[30], Options = new() { MaxLength = 20 } });
        using var other = FalconMambaModel.Load(EngineModels.Shakespeare);
        using var state = other.CreateState();
        Assert.Throws<StateMismatchException>(() => engine.Submit(EngineModels.Request(Prompt, 1) with { State = state }));
        Assert.Equal(0, _watched.Forwards);

        void Refused(string word, GenerationRequest request) =>
            Assert.Contains(word, Assert.Throws<ArgumentException>(() => engine.Submit(request)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_example_of_the_page_runs_and_stands_here_line_by_line()
    {
        var folder = EngineModels.Shakespeare;
        using var model = FalconMambaModel.Load(folder);
        var tokenizer = Tokenizer.FromFolder(folder);
        using var engine = new BatchEngine(model, tokenizer);

        var request = new GenerationRequest { Prompt = tokenizer.Encode("ROMEO:"), Options = new GenerationOptions { MaxNewTokens = 40 }, Owner = "alice" };
        await foreach (var token in engine.Submit(request)) Console.Write(token.Text);
        await engine.DrainAsync();

        var page = File.ReadAllText(Path.Combine(FixtureFolder.Repository, "docs", "engine.md"));
        var source = File.ReadAllText(Path.Combine(FixtureFolder.Repository, "tests", "FalconMamba.Tests", "Engine", "BatchEngineTests.cs"));
        // The first line says where the model lies.
        var lines = page.Split("```csharp\n")[1].Split("```")[0].Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..];
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Contains(line, source, StringComparison.Ordinal));
    }

    private sealed class Thrower : ILogitsProcessor
    {
        public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits) => throw new InvalidDataException("thrown");
    }
}
