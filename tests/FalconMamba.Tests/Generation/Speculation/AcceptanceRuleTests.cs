using FalconMamba.Generation;
using FalconMamba.Generation.Speculation;
using FalconMamba.Model;
using FsCheck;
using FsCheck.Fluent;

namespace FalconMamba.Tests.Generation.Speculation;

public class AcceptanceRuleTests
{
    private const int Vocabulary = 9;

    [Fact]
    public void The_outcomes_have_the_models_probabilities_whatever_drafts()
    {
        Prop.ForAll(Weights().ToArbitrary(), Weights().ToArbitrary(), (target, draft) =>
        {
            var (p, q) = (Normalized(target), Normalized(draft));
            var outcome = new double[Vocabulary];
            for (var drafted = 0; drafted < Vocabulary; drafted++)
            {
                if (q[drafted] == 0) continue;
                var stays = Threshold(uniform => AcceptanceRule.Accepts(uniform, p[drafted], q[drafted]));
                outcome[drafted] += q[drafted] * stays;
                var rest = target.ToArray();
                var sum = AcceptanceRule.Subtract(rest, target.Sum(), [.. Enumerable.Range(0, Vocabulary)], q);
                if (sum == 0) Assert.Equal(1, stays, 1e-12);
                for (var id = 0; sum > 0 && id < Vocabulary; id++) outcome[id] += q[drafted] * (1 - stays) * rest[id] / sum;
            }

            for (var id = 0; id < Vocabulary; id++) Assert.Equal(p[id], outcome[id], 1e-12);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    [Fact]
    public void A_text_has_the_models_probability_whatever_drafts()
    {
        // Three tokens and texts of three: all 27 are enumerated. The assistant is another model.
        int[] prompt = [3, 17, 5], allowed = [4, 9, 20];
        const int Runs = 6000;
        using var paths = new ReferencePaths("tiny-f32", prompt, allowed);
        using var assistant = FalconMambaModel.Load(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "models", "tiny-mamba"));
        var options = new GenerationOptions
        {
            MaxNewTokens = 4,
            IgnoreEos = true,
            DoSample = true,
            TopK = 0,
            LogitsProcessors = [paths.Only],
            AssistantModel = assistant,
            AssistantConfidenceThreshold = 0.3,
            NumAssistantTokens = 3,
        };
        var counts = new Dictionary<string, int>();
        for (var seed = 0; seed < Runs; seed++)
        {
            var text = string.Join(' ', paths.Model.GenerateStream(prompt, options with { Seed = (ulong)seed }).Take(3));
            counts[text] = counts.GetValueOrDefault(text) + 1;
        }

        var chi = 0.0;
        foreach (var (text, probability) in Texts(paths, [], 3))
        {
            var expected = Runs * probability;
            var difference = counts.GetValueOrDefault(string.Join(' ', text)) - expected;
            chi += difference * difference / expected;
        }

        // 26 degrees of freedom: above 55 once in a thousand; the seeds are fixed.
        Assert.InRange(chi, 0, 55);
    }

    private static IEnumerable<(int[] Text, double Probability)> Texts(ReferencePaths paths, int[] path, int length)
    {
        if (path.Length == length) return [(path, 1)];
        var next = paths.Next(path).ToArray();
        var total = next.Sum(token => Math.Exp(token.Logprob));
        return next.SelectMany(token => Texts(paths, [.. path, token.Id], length).Select(text => (text.Text, text.Probability * Math.Exp(token.Logprob) / total)));
    }

    // Where a rule that holds up to some number in [0, 1] stops to hold.
    private static double Threshold(Func<double, bool> holds)
    {
        var (low, high) = (0.0, 1.0);
        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            if (holds(middle)) low = middle;
            else high = middle;
        }

        return high;
    }

    private static double[] Normalized(double[] weights) => [.. weights.Select(weight => weight / weights.Sum())];

    // Many are 0: what a filter has dropped.
    private static Gen<double[]> Weights() =>
        from weights in Gen.Choose(-20, 60).ArrayOf(Vocabulary)
        where weights.Any(weight => weight > 0)
        select weights.Select(weight => (double)Math.Max(0, weight)).ToArray();
}
