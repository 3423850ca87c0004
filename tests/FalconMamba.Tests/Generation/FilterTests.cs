using FalconMamba.Generation;
using FalconMamba.Generation.Filters;
using FalconMamba.Generation.Processors;
using FsCheck;
using FsCheck.Fluent;

namespace FalconMamba.Tests.Generation;

/// <summary>What llama.cpp adds, against its definition in plain code.</summary>
public class FilterTests
{
    private static readonly Gen<float[]> Logits = Gen.Choose(-40, 40).Select(i => i / 8f).ArrayOf().Where(values => values.Length > 0);

    [Fact]
    public void Repetitions_are_held_back_by_their_length() => Prop.ForAll(
        (from text in Gen.Choose(0, 3).ArrayOf()
         from allowed in Gen.Choose(1, 3)
         from lastN in Gen.Elements(-1, 5, 12)
         from breaker in Gen.Choose(2, 5)
         select (text, allowed, lastN, breaker)).ToArbitrary(),
        c =>
        {
            var (text, allowed, lastN, breaker) = c;
            var logits = new float[6];
            new DryProcessor(0.8, 1.75, allowed, lastN, [breaker]).Process(text, text.Length, logits);
            var seen = lastN < 0 ? text : text[Math.Max(0, text.Length - lastN)..];
            for (var id = 0; id < logits.Length; id++)
            {
                // The longest end of the text, without a breaker, that stands before this token elsewhere.
                var longest = 0;
                for (var at = 1; at < seen.Length; at++)
                {
                    if (seen[at] != id) continue;
                    var length = 0;
                    while (length < at && seen[at - 1 - length] == seen[^(length + 1)] && seen[^(length + 1)] != breaker) length++;
                    longest = Math.Max(longest, length);
                }

                var expected = longest >= allowed && id != breaker ? 0.8 * Math.Pow(1.75, longest - allowed) : 0;
                Assert.Equal(-expected, logits[id], 1e-3 * Math.Max(1, expected));
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Top_choices_are_excluded_but_for_the_least_likely_of_them() => Prop.ForAll(
        (from logits in Logits from threshold in Gen.Choose(0, 60) select (logits, threshold / 100.0 + 1e-9)).ToArbitrary(),
        c =>
        {
            var (logits, threshold) = c;
            var total = logits.Sum(x => Math.Exp(x));
            var ranked = Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i]).ToArray();
            var excluded = Math.Max(0, ranked.Count(i => Math.Exp(logits[i]) / total >= threshold) - 1);
            Assert.Equal(ranked[excluded..].Order(), Kept(logits, new XtcFilter(1, threshold)));
            Assert.Equal(logits.Length, Kept(logits, new XtcFilter(0, threshold)).Length);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Exclusion_comes_as_often_as_asked_and_follows_seed_and_place()
    {
        var filter = new XtcFilter(0.3, 0.1);
        bool Excludes(ulong seed, long position) => Kept([1, 1, 0], filter, new DrawPlace(seed, position)).Length < 3;
        Assert.InRange(Enumerable.Range(0, 20_000).Count(position => Excludes(1, position)), 5_700, 6_300);
        Assert.Equal(Excludes(1, 77), Excludes(1, 77));
    }

    [Fact]
    public void Logits_far_below_the_largest_are_dropped() => Prop.ForAll(
        Logits.ToArbitrary(),
        logits =>
        {
            var mean = logits.Average(x => (double)x);
            var sigma = Math.Sqrt(logits.Average(x => (x - mean) * (x - mean)));
            var least = logits.Max() - (1.37 * sigma);
            Assert.Equal(Enumerable.Range(0, logits.Length).Where(i => logits[i] >= least - 1e-6), Kept(logits, new TopNSigmaFilter(1.37)));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Typical_tokens_are_found_without_sorting() => Prop.ForAll(
        (from logits in Logits from mass in Gen.Choose(1, 99) select (logits, mass / 100.0 + 1e-7)).ToArbitrary(),
        c =>
        {
            var (logits, mass) = c;
            var total = logits.Sum(x => Math.Exp(x));
            var entropy = -logits.Sum(x => Math.Exp(x) / total * (x - Math.Log(total)));
            var distances = logits.Select(x => Math.Abs(Math.Log(total) - x - entropy)).ToArray();
            var sorted = Enumerable.Range(0, logits.Length).OrderBy(i => distances[i]).ToArray();
            var sum = 0.0;
            var last = sorted[Math.Min(sorted.TakeWhile(i => (sum += Math.Exp(logits[i]) / total) < mass).Count(), sorted.Length - 1)];
            Assert.Equal(Enumerable.Range(0, logits.Length).Where(i => distances[i] <= distances[last] + 1e-9), Kept(logits, new TypicalFilter(mass)));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_temperature_follows_the_entropy()
    {
        // Two equal tokens of two: the entropy is the largest there is. One of two: the least.
        Assert.Equal(2 / 1.3f, Changed([2, 2], new DynamicTemperatureFilter(1, 0.3, 1))[0], 1e-5);
        Assert.Equal(100 / 0.7f, Changed([100, 0], new DynamicTemperatureFilter(1, 0.3, 1))[0], 1e-3);
        Assert.Equal(1e5f, Changed([1, -1000], new DynamicTemperatureFilter(1, 2, 1))[0], 1e2);
    }

    [Theory]
    [InlineData(1, 3.0)]
    [InlineData(2, 3.0)]
    [InlineData(1, 5.0)]
    [InlineData(2, 5.0)]
    public void Mirostat_keeps_the_surprise_near_its_target(int version, double tau)
    {
        // Zipf's law, as the method assumes.
        var logits = Enumerable.Range(1, 5000).Select(rank => (float)(-1.1 * Math.Log(rank))).ToArray();
        var sampler = new Sampler(new() { DoSample = true, Mirostat = version, MirostatTau = tau, Seed = 9 });
        var history = new TokenHistory();
        Assert.True(sampler.NeedsHistory);
        const int Draws = 4000;
        var limits = new List<double>();
        for (var position = 0; position < Draws; position++)
        {
            sampler.Sample((float[])logits.Clone(), position, history);
            limits.Add(history.MirostatMu!.Value);
        }

        // The limit moves by eta times the error, so that it stays where the mean error is nothing.
        var drift = (limits[^1] - limits[Draws / 2]) / (Draws / 2) / 0.1;
        Assert.InRange(drift, -0.1, 0.1);
        Assert.NotEqual(limits[0], limits[1]);
    }

    private static int[] Kept(float[] logits, ICandidateFilter filter, DrawPlace place = default)
    {
        var candidates = new Candidates();
        candidates.Load(logits);
        filter.Apply(candidates, place);
        return candidates.Ids.ToArray();
    }

    private static float[] Changed(float[] logits, ICandidateFilter filter)
    {
        var candidates = new Candidates();
        candidates.Load(logits);
        filter.Apply(candidates, default);
        return candidates.Logits.ToArray();
    }
}
