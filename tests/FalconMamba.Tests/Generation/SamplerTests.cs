using FalconMamba.Generation;
using FalconMamba.Generation.Filters;
using FalconMamba.Generation.Processors;
using FsCheck;
using FsCheck.Fluent;

namespace FalconMamba.Tests.Generation;

public class SamplerTests
{
    // Few distinct values, so that ties are common.
    private static readonly Gen<float[]> Logits =
        from length in Gen.Choose(1, 400)
        from values in Gen.Choose(-40, 40).Select(i => i == 40 ? float.NegativeInfinity : i / 8f).ArrayOf(length)
        select values.Any(float.IsFinite) ? values : [0f];

    private const double Offset = 1e-9;

    [Fact]
    public void Draws_follow_the_softmax()
    {
        float[] logits = [0, 1, float.NegativeInfinity, 2, -1];
        var sampler = new Sampler(new GenerationOptions { DoSample = true, Temperature = 0.8, Seed = 7 });
        const int Draws = 200_000;
        var counts = new int[logits.Length];
        for (var position = 0; position < Draws; position++) counts[sampler.Sample(logits, position)]++;

        var weights = logits.Select(x => Math.Exp(x / 0.8)).ToArray();
        for (var i = 0; i < logits.Length; i++)
        {
            var probability = weights[i] / weights.Sum();
            Assert.InRange(counts[i], (Draws * probability) - (5 * Math.Sqrt(Draws * probability)), (Draws * probability) + (5 * Math.Sqrt(Draws * probability)));
        }
    }

    [Fact]
    public void A_draw_depends_on_seed_and_position_and_not_on_the_order_of_calls()
    {
        var logits = new float[1000];
        var forward = Enumerable.Range(0, 50).Select(i => new Sampler(new GenerationOptions { DoSample = true, TopK = 0, Seed = 3 }).Sample(logits, i)).ToArray();
        var sampler = new Sampler(new GenerationOptions { DoSample = true, TopK = 0, Seed = 3 });
        var backward = Enumerable.Range(0, 50).Reverse().Select(i => sampler.Sample(logits, i)).Reverse().ToArray();
        Assert.Equal(forward, backward);
        Assert.True(forward.Distinct().Count() > 30);
        Assert.NotEqual(forward, Enumerable.Range(0, 50).Select(i => new Sampler(new GenerationOptions { DoSample = true, TopK = 0, Seed = 4 }).Sample(logits, i)));
    }

    [Fact]
    public void Filters_agree_with_their_definitions_by_full_sort() =>
        Prop.ForAll(
            (from logits in Logits
             from k in Gen.Choose(1, 420)
             from p in Gen.Choose(0, 99)
             select (logits, k, p / 100.0)).ToArbitrary(),
            c =>
            {
                var (logits, k, p) = c;
                var finite = Enumerable.Range(0, logits.Length).Where(i => float.IsFinite(logits[i])).OrderByDescending(i => logits[i]).ToArray();
                var total = finite.Sum(i => Math.Exp(logits[i]));

                var least = logits[finite[Math.Min(k, finite.Length) - 1]];
                Assert.Equal(finite.Where(i => logits[i] >= least).Order(), Kept(candidates => new TopKFilter(k).Apply(candidates, default)));

                // A token stays if those above it, in a stable order, have less than p; p is moved off every exact sum.
                var above = finite.Select((_, rank) => finite[..rank].Sum(i => Math.Exp(logits[i])) / total).ToArray();
                var reached = above.Count(mass => mass < p + Offset);
                Assert.Equal(finite[..Math.Max(reached, 1)].Order(), Kept(candidates => new TopPFilter(p + Offset).Apply(candidates, default)));

                Assert.Equal(finite.Where(i => Math.Exp(logits[i] - logits[finite[0]]) >= p).Order(), Kept(candidates => new MinPFilter(p).Apply(candidates, default)));

                int[] Kept(Action<Candidates> filter)
                {
                    var candidates = new Candidates();
                    candidates.Load(logits);
                    filter(candidates);
                    return candidates.Ids.ToArray();
                }
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_largest_logit_is_found_at_every_length_and_place()
    {
        for (var length = 1; length < 70; length++)
        {
            for (var at = 0; at < length; at++)
            {
                var logits = new float[length];
                Array.Fill(logits, -2);
                logits[at] = logits[length - 1] = -1;
                Assert.Equal(at, ArgMax.Of(logits));
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Logits_that_hold_nothing_to_choose_are_refused(bool draws)
    {
        var sampler = new Sampler(new GenerationOptions { DoSample = draws });
        foreach (var length in new[] { 0, 1, 3, 40 })
        {
            var none = new float[length];
            Array.Fill(none, float.NegativeInfinity);
            Assert.Throws<InvalidOperationException>(() => sampler.Sample(none, 0));
            for (var at = 0; at < length; at++)
            {
                var logits = new float[length];
                logits[at] = float.NaN;
                Assert.Throws<InvalidOperationException>(() => sampler.Sample(logits, 0));
            }
        }
    }

    [Fact]
    public void Extreme_logits_and_temperatures_still_draw()
    {
        foreach (var temperature in new[] { 1e-5, 1, float.MaxValue })
        {
            var sampler = new Sampler(new GenerationOptions { DoSample = true, Temperature = temperature, TopK = 5, TopP = 0.99, MinP = 0.001 });
            Assert.InRange(sampler.Sample([float.MaxValue, 0, float.MinValue], 1), 0, 2);
            Assert.InRange(sampler.Sample([float.MinValue, float.MinValue], 1), 0, 1);
        }
    }

    [Fact]
    public void Sampling_allocates_nothing_in_the_steady_state()
    {
        var random = new Random(5);
        var row = new float[65024];
        foreach (ref var logit in row.AsSpan()) logit = random.NextSingle() * 20;
        var history = new TokenHistory([.. Enumerable.Range(0, 2000).Select(_ => random.Next(300))], 1000);
        var draw = new GenerationOptions { DoSample = true, Temperature = 0.7 };
        Sampler[] samplers = [
            new(new GenerationOptions()),
            new(draw with { TopK = 0 }),
            new(draw with { TopK = 0, TopP = 0.95 }),
            new(draw with { TopP = 0.9, MinP = 0.05 }),
            new(draw with { TopK = 0, TypicalP = 0.9, EpsilonCutoff = 1e-5, EtaCutoff = 1e-5 }),
            new(draw with { TopH = 0.5, TopNSigma = 2, XtcProbability = 1, XtcThreshold = 0.01, DynatempRange = 0.2 }),
            new(draw with { Mirostat = 1 }),
            new(draw with { Mirostat = 2 }),
            new(draw with
            {
                RepetitionPenalty = 1.1, FrequencyPenalty = 0.1, PresencePenalty = 0.1, DryMultiplier = 0.8, NoRepeatNgramSize = 3, BadWordsIds = [[1, 2]], MinLength = 9000,
                SuppressTokens = [4], BeginSuppressTokens = [5], SequenceBias = [new([6], 1)], ExponentialDecayLengthPenalty = new(5, 1.01), RenormalizeLogits = true, OutputScores = true,
            }, [11])];
        var (logits, scores) = (new float[row.Length], new float[row.Length]);
        void Run(int position)
        {
            foreach (var sampler in samplers)
            {
                row.CopyTo(logits, 0);
                sampler.Sample(logits, position, history, 0, sampler == samplers[^1] ? scores : []);
            }
        }

        Run(0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var position = 0; position < 20; position++) Run(position);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Telling_the_likeliest_allocates_no_more_than_it_tells()
    {
        var logits = new float[65024];
        for (var i = 0; i < logits.Length; i++) logits[i] = i % 1000;
        var options = new GenerationOptions { Logprobs = 5 };
        Assert.Equal([999, 1999, 2999, 3999, 4999], TokenDetails.Of(options, 0, logits, []).Top.Select(token => token.Id));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) TokenDetails.Of(options, 0, logits, []);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 * 512);
    }

    [Fact]
    public void A_history_is_needed_only_where_a_step_looks_back()
    {
        GenerationOptions[] forward = [new(), new() { SuppressTokens = [2] }, new() { SequenceBias = [new([2], -9)] }, new() { BadWordsIds = [[2]] }];
        GenerationOptions[] back =
        [
            new() { BeginSuppressTokens = [2] }, new() { SequenceBias = [new([2], -9), new([1, 2], 1)] }, new() { BadWordsIds = [[1, 2]] },
            new() { LogitsProcessors = [new CountPenaltyProcessor(0, 0)] }, new() { PresencePenalty = 1 },
        ];
        foreach (var options in forward)
        {
            var sampler = new Sampler(options);
            Assert.False(sampler.NeedsHistory);
            Assert.Equal(options == forward[0] ? 2 : 1, sampler.Sample([0, 1, 2], 0));
        }

        foreach (var options in back)
        {
            var sampler = new Sampler(options);
            Assert.True(sampler.NeedsHistory);
            Assert.Throws<ArgumentException>(() => sampler.Sample([0, 1, 2], 0));
        }
    }

    [Fact]
    public void A_refused_history_leaves_nothing_behind()
    {
        foreach (var options in new GenerationOptions[] { new() { RepetitionPenalty = 2 }, new() { FrequencyPenalty = 2 }, new() { DryMultiplier = 2, DryAllowedLength = 1 } })
        {
            var sampler = new Sampler(options);
            int[] text = [0, 1, 0, 1, 0];
            var (expected, logits) = (new float[] { 5, 4, 1 }, new float[] { 5, 4, 1 });
            sampler.Sample(expected, 0, new TokenHistory(text, 0));
            foreach (var unknown in new[] { 3, -1 })
                Assert.Throws<ArgumentException>(() => sampler.Sample([5, 4, 1], 0, new TokenHistory([.. text, unknown, .. text], 0)));
            sampler.Sample(logits, 0, new TokenHistory(text, 0));
            Assert.Equal(expected, logits);
        }
    }

    // The known answers published with the generator.
    [Theory]
    [InlineData(0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void The_generator_gives_its_known_answers(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x0, uint x1, uint x2, uint x3) =>
        Assert.Equal((x0, x1, x2, x3), Philox.Block((c0, c1, c2, c3), (k0, k1)));

    [Fact]
    public void Uniform_numbers_are_below_1_and_differ_by_stream()
    {
        for (var position = -1000L; position < 1000; position++)
        {
            Assert.InRange(Philox.Uniform(ulong.MaxValue, position), 0, 1 - 1e-17);
            Assert.NotEqual(Philox.Uniform(1, position), Philox.Uniform(1, position, stream: 1));
        }
    }
}
