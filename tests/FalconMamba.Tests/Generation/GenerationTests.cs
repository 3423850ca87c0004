using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Generation;

[Collection(nameof(Alone))]
public sealed class GenerationTests : IDisposable
{
    private static readonly int[] Prompt = [3, 17, 5, 8];
    private static readonly GenerationOptions Drawing = new() { DoSample = true, TopK = 0, Temperature = 1.5, MaxNewTokens = 20, Seed = 4, IgnoreEos = true };

    private readonly FalconMambaModel _model = FalconMambaModel.Load(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models", "tiny-f32"));

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Sequences_of_one_prompt_draw_their_own_and_do_not_depend_on_their_number()
    {
        var three = _model.Generate(Prompt, Drawing with { NumReturnSequences = 3 });
        Assert.Equal(3, three.Select(ids => string.Join(' ', ids)).Distinct().Count());
        Assert.Equal(three[..2], _model.Generate(Prompt, Drawing with { NumReturnSequences = 2 }));
        Assert.Equal(three[0][4..], _model.GenerateStream(Prompt, Drawing));
        Assert.All(three, ids => Assert.Equal(Prompt, ids[..4]));
    }

    [Fact]
    public void Sequences_end_each_at_its_own_place()
    {
        var whole = _model.Generate(Prompt, Drawing with { NumReturnSequences = 4 });
        var end = whole[1][4 + 7];
        var output = _model.GenerateInDetail(Prompt, Drawing with { NumReturnSequences = 4, StopIds = [end] });
        for (var i = 0; i < 4; i++)
        {
            var at = Array.IndexOf(whole[i], end, 4);
            Assert.Equal(at < 0 ? whole[i] : whole[i][..(at + 1)], output.Sequences[i]);
            Assert.Equal(at < 0 ? FinishReason.Length : FinishReason.StopId, output.Answers[i].FinishReason);
        }
    }

    [Fact]
    public void The_default_length_is_20_with_the_prompt()
    {
        Assert.Equal(20, _model.Generate(Prompt, new() { IgnoreEos = true })[0].Length);
        Assert.Throws<ArgumentException>(() => _model.Generate(new int[25]));
    }

    [Fact]
    public void Penalties_go_on_over_a_kept_state_with_its_history()
    {
        var options = Drawing with { RepetitionPenalty = 1.5, FrequencyPenalty = 0.5, NoRepeatNgramSize = 2, Mirostat = 2, TopK = null };
        var whole = _model.GenerateStream(Prompt, options).ToArray();
        using var state = _model.CreateState();
        var history = new TokenHistory();
        var generator = new TokenGenerator(_model, options with { MaxNewTokens = 8 });
        var first = generator.Generate(state, Prompt, history).ToArray();
        Assert.Equal((Prompt.Length, 12), (history.PromptLength, history.Count));
        generator = new TokenGenerator(_model, options with { MaxNewTokens = 12 });
        Assert.Equal(whole, (int[])[.. first, .. generator.Generate(state, new[] { first[^1] }, history)]);
        Assert.Equal(24, history.Count);

        // Without the history the same would give another text in silence.
        Assert.Contains("history", Assert.Throws<ArgumentException>(() => generator.Generate(state, new[] { 1 })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => generator.Generate(state, new[] { 1 }, new TokenHistory([1, 2])));
    }

    [Fact]
    public void A_generation_without_a_past_to_look_at_needs_no_history()
    {
        using var state = _model.CreateState();
        var generator = new TokenGenerator(_model, Drawing);
        var first = generator.Generate(state, Prompt).Take(5).ToArray();
        Assert.False(generator.NeedsHistory);
        Assert.Equal(20, generator.Generate(state, first.AsMemory()[^1..]).Count());
    }

    [Fact]
    public void Details_tell_what_the_model_thought_and_what_was_chosen_by()
    {
        var options = new GenerationOptions { MaxNewTokens = 3, IgnoreEos = true, Logprobs = 4, OutputLogits = true, OutputScores = true, SuppressTokens = [0] };
        var answer = _model.GenerateInDetail(Prompt, options).Answers.Single();
        Assert.Equal(3, answer.Tokens.Length);
        foreach (var (token, id) in answer.Tokens.Zip(answer.Ids))
        {
            var logits = token.Logits.ToArray();
            var total = Math.Log(logits.Sum(x => Math.Exp(x)));
            Assert.Equal((id, 4), (token.Chosen.Id, token.Top.Length));
            Assert.Equal(logits[id] - total, token.Chosen.Logprob, 1e-4);
            Assert.Equal(logits.Select((x, i) => (x, i)).OrderByDescending(pair => pair.x).Take(4).Select(pair => pair.i), token.Top.Select(top => top.Id));
            // A greedy choice is told by an equal number.
            Assert.Equal(token.Top[0], token.Chosen);
            Assert.Equal(float.NegativeInfinity, token.Scores.Span[0]);
            Assert.Equal(logits[1], token.Scores.Span[1]);
        }

        Assert.Empty(_model.GenerateInDetail(Prompt, new() { MaxNewTokens = 2 }).Answers[0].Tokens);
    }

    [Fact]
    public void A_stop_string_ends_every_sequence_at_its_place_in_the_text()
    {
        var folder = Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m");
        using var model = FalconMambaModel.Load(folder);
        var tokenizer = Tokenizer.FromFolder(folder);
        var options = new GenerationOptions { DoSample = true, MaxNewTokens = 60, NumReturnSequences = 3, Seed = 2 };
        var prompt = tokenizer.Encode("ROMEO:");
        var whole = model.GenerateInDetail(prompt, options, tokenizer).Answers;
        var stopped = model.GenerateInDetail(prompt, options with { StopStrings = [", "] }, tokenizer).Answers;
        Assert.Contains(stopped, answer => answer.FinishReason == FinishReason.StopString);
        foreach (var (full, cut) in whole.Zip(stopped)) Assert.Equal(full.Text!.Split(", ")[0], cut.Text);
        Assert.Throws<ArgumentException>(() => model.Generate(prompt, options with { StopStrings = ["a"] }));
    }

    [Fact]
    public void Tokens_that_the_vocabulary_lacks_are_refused()
    {
        Assert.Contains("suppress_tokens", Assert.Throws<ArgumentException>(() => _model.Generate(Prompt, new() { SuppressTokens = [1000] })).Message, StringComparison.Ordinal);
        Assert.Contains("bad_words_ids", Assert.Throws<ArgumentException>(() => new TokenGenerator(_model, new() { BadWordsIds = [[1, 5000]] })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Generating_allocates_nothing_a_token()
    {
        var options = Drawing with { MaxNewTokens = 200, TopK = 50, TopP = 0.9, RepetitionPenalty = 1.1, NoRepeatNgramSize = 4 };
        using var state = _model.CreateState();
        using var ids = new TokenGenerator(_model, options).Generate(state, Prompt).GetEnumerator();
        for (var i = 0; i < 20; i++) ids.MoveNext();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) ids.MoveNext();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
