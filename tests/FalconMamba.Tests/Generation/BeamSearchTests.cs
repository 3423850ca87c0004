using FalconMamba.Generation;

namespace FalconMamba.Tests.Generation;

public class BeamSearchTests
{
    // Logits of float32 are so close to those of float64.
    private const double Error = 1e-4;

    private static readonly int[] Prompt = [3, 17, 5, 8];
    private static readonly string[] Models = ["tiny-f32", "tiny-mamba", "tiny-conv3-state5", "tiny-odd-tied"];

    [Fact]
    public void With_a_beam_for_every_sequence_the_best_of_all_are_found()
    {
        int[] allowed = [11, 2, 7, 30, 99];
        foreach (var name in Models)
        {
            using var paths = new ReferencePaths(name, Prompt, allowed);
            foreach (var penalty in new[] { 1.0, 0, -1, 2.5 })
            {
                var expected = All(paths, [], 0, depth: 4).Select(end => (end.Ids, Score: end.Logprob / Math.Pow(end.Ids.Length, penalty))).OrderByDescending(end => end.Score).ToList();
                var answers = paths.Model.GenerateInDetail(Prompt, new()
                {
                    NumBeams = 625,
                    NumReturnSequences = 10,
                    MaxNewTokens = 4,
                    LengthPenalty = penalty,
                    EosTokenIds = [11],
                    LogitsProcessors = [paths.Only],
                }).Answers;
                AssertSame(expected.Take(10), answers);
            }
        }
    }

    [Fact]
    public void Narrow_beams_are_those_of_a_plain_search_with_the_reference_model()
    {
        var random = new Random(3);
        var ended = 0;
        foreach (var name in Models)
        {
            var allowed = Enumerable.Range(0, 250).OrderBy(_ => random.Next()).Take(12).ToArray();
            var ends = allowed[..2];
            using var paths = new ReferencePaths(name, Prompt, allowed);
            foreach (var width in new[] { 2, 3, 5 })
            {
                foreach (var stopping in Enum.GetValues<EarlyStopping>())
                {
                    foreach (var penalty in new[] { 1.0, 0, -0.5, 2 })
                    {
                        var expected = PlainSearch(paths, ends, width, stopping, penalty, room: 7);
                        var answers = paths.Model.GenerateInDetail(Prompt, new()
                        {
                            NumBeams = width,
                            NumReturnSequences = width,
                            MaxNewTokens = 7,
                            LengthPenalty = penalty,
                            EarlyStopping = stopping,
                            EosTokenIds = [.. ends],
                            LogitsProcessors = [paths.Only],
                        }).Answers;
                        AssertSame(expected, answers);
                        ended += answers.Count(answer => answer.FinishReason == FinishReason.StopId);
                    }
                }
            }
        }

        Assert.True(ended > 100, "too few sequences ended for early stopping to matter");
    }

    [Fact]
    public void One_beam_without_draws_is_the_reference_models_greedy_path() => Model.GoldenModel.ForEach(golden =>
    {
        using var model = FalconMamba.Model.FalconMambaModel.Load(golden.Folder);
        var (prompt, expected) = (golden.Ids("greedy.prompt"), golden.Ids("greedy.ids"));
        var options = new GenerationOptions { MaxNewTokens = expected.Length, IgnoreEos = true };
        Assert.Equal((int[])[.. prompt, .. expected], Assert.Single(model.Generate(prompt, options)));
        Assert.Equal(expected, model.GenerateStream(prompt, options));
    });

    [Fact]
    public void A_stream_gives_the_best_beam_and_leaves_the_state_behind_it()
    {
        using var paths = new ReferencePaths("tiny-f32", Prompt, [.. Enumerable.Range(0, 40)]);
        var options = new GenerationOptions { NumBeams = 3, MaxNewTokens = 6, IgnoreEos = true, Logprobs = 2, OutputScores = true };
        using var state = paths.Model.CreateState();
        var generator = new TokenGenerator(paths.Model, options);
        var ids = generator.Generate(state, Prompt).ToArray();
        var best = paths.Model.GenerateInDetail(Prompt, options).Answers.Single();
        Assert.Equal(best.Ids, ids);
        Assert.Equal((Prompt.Length + 5, ids[^1], FinishReason.Length), ((int)state.TokenCount, generator.Pending, generator.FinishReason));

        // The log probabilities of its tokens add up to its score.
        Assert.Equal(6, best.Tokens.Length);
        Assert.Equal(best.Ids, best.Tokens.Select(token => token.Chosen.Id));
        Assert.Equal(best.Score!.Value, best.Tokens.Sum(token => token.Chosen.Logprob) / 6, 1e-4);
        Assert.All(best.Tokens, token => Assert.Equal(token.Chosen.Logprob, token.Scores.Span[token.Chosen.Id], 1e-5));
    }

    [Fact]
    public void Drawn_beams_follow_the_seed()
    {
        using var paths = new ReferencePaths("tiny-f32", Prompt, []);
        var options = new GenerationOptions { NumBeams = 4, DoSample = true, MaxNewTokens = 8, Temperature = 3, TopK = 0, Seed = 1 };
        var first = paths.Model.Generate(Prompt, options)[0];
        Assert.Equal(first, paths.Model.Generate(Prompt, options)[0]);
        Assert.NotEqual(first, paths.Model.Generate(Prompt, options with { Seed = 2 })[0]);
    }

    private static IEnumerable<(int[] Ids, double Logprob)> All(ReferencePaths paths, int[] path, double logprob, int depth)
    {
        foreach (var (id, next) in paths.Next(path))
        {
            int[] longer = [.. path, id];
            if (id == 11 || depth == 1) yield return (longer, logprob + next);
            else foreach (var end in All(paths, longer, logprob + next, depth - 1)) yield return end;
        }
    }

    // transformers' search as its documentation tells it, without states, batches or buffers.
    private static List<(int[] Ids, double Score)> PlainSearch(ReferencePaths paths, int[] ends, int width, EarlyStopping stopping, double penalty, int room)
    {
        List<(int[] Ids, double Logprob)> running = [([], 0)];
        List<(int[] Ids, double Score)> finished = [];
        while (true)
        {
            var ranked = running
                .SelectMany(beam => paths.Next(beam.Ids).Select(next => (Ids: (int[])[.. beam.Ids, next.Id], Logprob: beam.Logprob + next.Logprob)))
                .OrderByDescending(candidate => candidate.Logprob)
                .Take(width * (1 + ends.Length))
                .ToList();
            var length = ranked[0].Ids.Length;
            bool Ends(int[] ids) => ids.Length == room || ends.Contains(ids[^1]);
            finished.AddRange(ranked.Take(width).Where(candidate => Ends(candidate.Ids)).Select(candidate => (candidate.Ids, candidate.Logprob / Math.Pow(length, penalty))));
            finished = [.. finished.OrderByDescending(end => end.Score).Take(width)];
            running = [.. ranked.Where(candidate => !Ends(candidate.Ids)).Take(width)];
            if (running.Count == 0) return finished;
            if (finished.Count < width) continue;
            if (stopping == EarlyStopping.True) return finished;
            var bestLength = stopping == EarlyStopping.Never && penalty > 0 ? room : length;
            if (running[0].Logprob / Math.Pow(bestLength, penalty) <= finished[^1].Score) return finished;
        }
    }

    private static void AssertSame(IEnumerable<(int[] Ids, double Score)> expected, IReadOnlyList<GeneratedSequence> answers)
    {
        var sequences = expected.ToList();
        Assert.Equal(sequences.Count, answers.Count);
        for (var i = 0; i < answers.Count; i++)
        {
            Assert.Equal(sequences[i].Score, answers[i].Score!.Value, Error);
            // Two that are as good may change places.
            var twins = sequences.Where(other => Math.Abs(other.Score - sequences[i].Score) < Error).Select(other => string.Join(' ', other.Ids));
            if (i < answers.Count - 1) Assert.Contains(string.Join(' ', answers[i].Ids), twins);
        }
    }
}
