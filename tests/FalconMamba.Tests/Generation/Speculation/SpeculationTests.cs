using FalconMamba.Generation;
using FalconMamba.Model;
using FalconMamba.Tests.Model;

namespace FalconMamba.Tests.Generation.Speculation;

/// <summary>Guessing ahead changes how fast a text comes and nothing else.</summary>
[Collection(nameof(Alone))]
public class SpeculationTests
{
    private static readonly int[] Prompt = [3, 17, 5, 8, 3, 17];
    private static readonly GenerationOptions Greedy = new() { MaxNewTokens = 120, IgnoreEos = true };

    private static string Models => Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models");

    [Fact]
    public void The_likeliest_tokens_are_the_same_in_every_format()
    {
        foreach (var (path, exact) in DeterminismTests.Checkpoints)
        {
            using var model = FalconMambaModel.Load(path, new ModelOptions { Exact = exact, Deterministic = true });
            // The penalty keeps the text from going round in circles, so that guesses fail too.
            foreach (var options in (GenerationOptions[])[Greedy, Greedy with { RepetitionPenalty = 1.3 }])
            {
                var expected = Run(model, options, out _);
                Assert.Equal(expected, Run(model, options with { PromptLookupNumTokens = 5 }, out _));
                Assert.Equal(expected, Run(model, options with { AssistantModel = model, AssistantConfidenceThreshold = 0 }, out var counts));
                Assert.Equal(counts.Drafted, counts.Accepted, 4.0);
            }
        }
    }

    [Fact]
    public void Guesses_come_true_and_fail_and_neither_changes_a_text()
    {
        using var model = Load("tiny-f32");
        using var near = Load("tiny-f16");
        using var far = Load("tiny-mamba");
        foreach (var assistant in (FalconMambaModel[])[near, far])
        {
            var options = Greedy with { NoRepeatNgramSize = 3, FrequencyPenalty = 0.2 };
            var ahead = options with { AssistantModel = assistant, NumAssistantTokens = 5, AssistantConfidenceThreshold = 0 };
            Assert.Equal(Run(model, options, out _), Run(model, ahead, out var counts));
            Assert.InRange(counts.Accepted, 0, counts.Drafted - 1);
        }
    }

    [Fact]
    public void Draws_are_those_of_the_seed_where_what_is_guessed_is_not_drawn()
    {
        using var model = Load("tiny-f32");
        foreach (var options in (GenerationOptions[])
        [
            Greedy with { DoSample = true, TopK = 3, Seed = 7 },
            Greedy with { DoSample = true, TopK = 5, Seed = 8, Mirostat = null, XtcProbability = 0.3, XtcThreshold = 0.05, PresencePenalty = -1 },
            Greedy with { DoSample = true, Mirostat = 2, MirostatTau = 2, Seed = 9, RepetitionPenalty = 0.8 },
        ])
        {
            Assert.Equal(Run(model, options, out _), Run(model, options with { PromptLookupNumTokens = 4 }, out var counts));
            Assert.True(counts.Drafted > 0);
        }
    }

    [Fact]
    public void Drawn_guesses_give_the_same_text_for_the_same_seed()
    {
        using var model = Load("tiny-f32");
        using var far = Load("tiny-mamba");
        foreach (var (assistant, most) in ((FalconMambaModel, double)[])[(model, 1), (far, 0.9)])
        {
            var options = Greedy with { DoSample = true, TopK = 0, LogitsProcessors = [new Few()], AssistantModel = assistant, AssistantConfidenceThreshold = 0 };
            foreach (var seed in (ulong[])[1, 2])
            {
                var text = Run(model, options with { Seed = seed }, out var counts);
                Assert.Equal(text, Run(model, options with { Seed = seed }, out _));
                Assert.InRange(counts.Accepted, 1, most * counts.Drafted);
                Assert.Equal(Run(model, options with { Seed = seed, Mirostat = 1 }, out _), Run(model, options with { Seed = seed, Mirostat = 1 }, out _));
            }
        }
    }

    [Fact]
    public void What_is_kept_of_tokens_is_the_same()
    {
        using var model = Load("tiny-f32");
        var options = Greedy with { DoSample = true, TopK = 4, Seed = 3, Logprobs = 2, OutputLogits = true, OutputScores = true };
        var expected = model.GenerateInDetail(Prompt, options).Answers[0];
        var actual = model.GenerateInDetail(Prompt, options with { PromptLookupNumTokens = 4 }).Answers[0];
        Assert.Equal(expected.Ids, actual.Ids);
        for (var i = 0; i < expected.Ids.Length; i++)
        {
            Assert.Equal(expected.Tokens[i].Chosen, actual.Tokens[i].Chosen);
            Assert.Equal(expected.Tokens[i].Top, actual.Tokens[i].Top);
            Assert.Equal(expected.Tokens[i].Logits.ToArray(), actual.Tokens[i].Logits.ToArray());
            Assert.Equal(expected.Tokens[i].Scores.ToArray(), actual.Tokens[i].Scores.ToArray());
        }
    }

    [Fact]
    public void Wherever_a_text_is_left_the_state_is_there()
    {
        using var model = Load("tiny-f32");
        var options = Greedy with { PromptLookupNumTokens = 4 };
        var whole = Run(model, options, out _);
        foreach (var count in Enumerable.Range(1, 40))
        {
            using var state = model.CreateState();
            var history = new TokenHistory();
            var generator = new TokenGenerator(model, options);
            var first = generator.Generate(state, Prompt, history).Take(count).ToArray();
            Assert.Equal(whole[..count], first);
            Assert.Equal(Prompt.Length + count - 1, state.TokenCount);
            Assert.Equal(Prompt.Length + count, history.Count);
            Assert.Equal(first[^1], generator.Pending);
            Assert.Equal(0, state.KeptByteLength);
            Assert.Equal(whole[count], generator.Generate(state, new[] { first[^1] }, history).First());
        }
    }

    [Fact]
    public void An_end_token_ends_a_text_inside_a_guess()
    {
        using var model = Load("tiny-f32");
        var whole = Run(model, Greedy, out _);
        foreach (var end in whole.Distinct())
        {
            var output = model.GenerateInDetail(Prompt, Greedy with { StopIds = [end], MinNewTokens = 3, PromptLookupNumTokens = 4 });
            var expected = model.GenerateInDetail(Prompt, Greedy with { StopIds = [end], MinNewTokens = 3 });
            Assert.Equal(expected.Sequences, output.Sequences);
            Assert.Equal(expected.Answers[0].FinishReason, output.Answers[0].FinishReason);
        }
    }

    [Fact]
    public void A_guess_that_ends_a_text_counts_as_one_that_came_true()
    {
        using var model = Load("tiny-f32");
        var options = Greedy with { RepetitionPenalty = 1.3, AssistantModel = model, AssistantConfidenceThreshold = 0 };
        var whole = Run(model, options, out _)[..60];
        var ends = Enumerable.Range(3, whole.Length - 3).Where(i => Array.IndexOf(whole, whole[i]) == i).ToArray();
        Assert.Contains(ends, i => i % 5 != 0);
        foreach (var i in ends)
        {
            Assert.Equal(whole[..(i + 1)], Run(model, options with { StopIds = [whole[i]] }, out var counts));
            // The model's own guesses all come true: four, and one that the last of their rows chooses.
            Assert.Equal(i - (i / 5), counts.Accepted);
        }
    }

    [Fact]
    public void A_verification_that_is_cancelled_leaves_the_state_at_a_token()
    {
        using var model = FalconMambaModel.Load(Path.Combine(Models, "tiny-f32"), new ModelOptions { PrefillChunkSize = 2, Deterministic = true });
        var whole = Run(model, Greedy, out _);
        for (var after = 1; after < 60; after++)
        {
            using var source = new CancellationTokenSource();
            using var watched = new WatchedModel(model) { OnForward = forward => { if (forward == after) source.Cancel(); } };
            using var state = model.CreateState();
            var generator = new TokenGenerator(watched, Greedy with { PromptLookupNumTokens = 5 });
            var ids = new List<int>();
            Assert.Throws<OperationCanceledException>(() =>
            {
                foreach (var id in generator.Generate(state, Prompt, cancellationToken: source.Token)) ids.Add(id);
            });
            Assert.Equal(whole[..ids.Count], ids);
            if (ids.Count == 0) continue;
            Assert.Equal(Prompt.Length + ids.Count - 1, state.TokenCount);
            Assert.Equal(ids[^1], generator.Pending);
            Assert.Equal(whole[ids.Count], new TokenGenerator(model, Greedy).Generate(state, new[] { ids[^1] }).First());
        }
    }

    [Fact]
    public void Settings_that_cannot_count_are_refused()
    {
        using var model = Load("tiny-f32");
        foreach (var (options, word) in ((GenerationOptions, string)[])
        [
            (new() { MaxMatchingNgramSize = 3 }, "max_matching_ngram_size"),
            (new() { NumAssistantTokens = 3 }, "num_assistant_tokens"),
            (new() { AssistantConfidenceThreshold = 0.1 }, "assistant_confidence_threshold"),
            (new() { PromptLookupNumTokens = 3, AssistantModel = model }, "prompt_lookup_num_tokens"),
            (new() { PromptLookupNumTokens = 3, NumBeams = 2 }, "num_beams"),
            (new() { AssistantModel = model, NumReturnSequences = 2, DoSample = true }, "num_return_sequences"),
        ])
            Assert.Contains(word, Assert.Throws<ArgumentException>(options.Check).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new GenerationOptions { PromptLookupNumTokens = 0 });
        using var large = FalconMambaModel.Load(Path.Combine(FixtureFolder.Repository, "models", "shakespeare-4m"));
        Assert.Contains("vocabulary of", Assert.Throws<ArgumentException>(() => new TokenGenerator(model, new() { AssistantModel = large })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_allocated_for_a_token()
    {
        using var model = Load("tiny-f32");
        foreach (var options in (GenerationOptions[])
        [
            new() { PromptLookupNumTokens = 4 }, new() { AssistantModel = model },
            new() { AssistantModel = model, AssistantConfidenceThreshold = 0, DoSample = true, TopK = 20, RepetitionPenalty = 1.1 },
        ])
        {
            using var state = model.CreateState();
            using var ids = new TokenGenerator(model, options with { MaxNewTokens = 3000, IgnoreEos = true }).Generate(state, Prompt).GetEnumerator();
            for (var i = 0; i < 500; i++) Assert.True(ids.MoveNext());
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1000; i++) ids.MoveNext();
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }

    /// <summary>Leaves few tokens, so that even another model often guesses one.</summary>
    private sealed class Few : ILogitsProcessor
    {
        public void Process(ReadOnlySpan<int> ids, int promptLength, Span<float> logits) => logits[8..].Fill(float.NegativeInfinity);
    }

    private static FalconMambaModel Load(string name) => FalconMambaModel.Load(Path.Combine(Models, name), new ModelOptions { Deterministic = true });

    private static int[] Run(FalconMambaModel model, GenerationOptions options, out SpeculationCounts counts)
    {
        using var state = model.CreateState();
        using var generator = new TokenGenerator(model, options);
        int[] ids = [.. generator.Generate(state, Prompt)];
        counts = generator.Speculation;
        return ids;
    }
}
