using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Generation;

namespace FalconMamba.Tests.Generation;

[Trait("Category", "Golden")]
public class SamplingGoldenTests
{
    private const string Category = "sampling";
    private const double RelativeError = 2e-6;

    [Fact]
    public void Processors_filters_and_chains_do_what_those_of_transformers_do()
    {
        int exact = 0, fragile = 0, split = 0;
        FixtureFolder.ForEach<SamplingCase>(Category, SamplingCase.Discover, c =>
        {
            if (c.IsFragile) fragile++;
            else if (c.SplitsEqualLogits) split++;
            else exact++;
            Check(c);
        });
        FixtureFolder.Report($"{Category}: {exact} compared value by value, {split} as sets, because they split equal logits, {fragile} run only, because rounding decides them");
    }

    [Fact]
    public void The_largest_logit_is_found_the_first_among_equals() =>
        FixtureFolder.ForEach<(Tensor Logits, Tensor ArgMax)>(Category, DiscoverLogits, c =>
        {
            var expected = new float[c.ArgMax.ElementCount];
            c.ArgMax.CopyTo(expected);
            var rows = SamplingCase.Rows(c.Logits);
            Assert.Equal(expected.Length, rows.Count);
            var sampler = new Sampler(new GenerationOptions());
            for (var row = 0; row < rows.Count; row++) Assert.Equal((int)expected[row], sampler.Sample(rows[row], row));
        });

    [Fact]
    public void Log_probabilities_are_those_of_float64() =>
        FixtureFolder.ForEach<(Tensor Logits, Tensor LogSoftmax)>(Category, folder => DiscoverPairs(folder, "logsoftmax"), c =>
        {
            foreach (var (row, expected) in SamplingCase.Rows(c.Logits).Zip(SamplingCase.Rows(c.LogSoftmax)))
            {
                LogSoftmax.Apply(row);
                for (var i = 0; i < row.Length; i++) AssertClose(expected[i], row[i], $"token {i}");
            }
        });

    private static void Check(SamplingCase c)
    {
        var expected = SamplingCase.Rows(c.Output);
        var inputs = SamplingCase.Rows(c.Logits);
        for (var row = 0; row < inputs.Count; row++)
        {
            var actual = c.Apply(row, inputs[row]);
            if (c.IsFragile) continue;
            Assert.Equal(c.Json.GetProperty("kept")[row].GetInt32(), actual.Count(float.IsFinite));
            // Which of equal logits stay is an accident there, so only their values count.
            if (c.SplitsEqualLogits)
            {
                Array.Sort(actual);
                Array.Sort(expected[row]);
            }

            for (var i = 0; i < actual.Length; i++) AssertClose(expected[row][i], actual[i], $"row {row}, token {i}");
        }
    }

    private static void AssertClose(float expected, float actual, string where) => Assert.True(
        actual == expected || Math.Abs(actual - expected) <= RelativeError * Math.Max(1, Math.Abs(expected)), $"{where}: {actual} instead of {expected}");

    private static IEnumerable<(string, (Tensor, Tensor))> DiscoverLogits(string folder) => DiscoverPairs(folder, "argmax");

    private static IEnumerable<(string, (Tensor, Tensor))> DiscoverPairs(string folder, string kind)
    {
        using var arrays = SafetensorsFile.Open(Path.Combine(folder, "arrays.safetensors"));
        foreach (var tensor in arrays.InFileOrder)
            if (tensor.Name.Split('.') is [var first, var set] && first == kind) yield return (set, (arrays.Tensors[$"logits.{set}"], tensor));
    }
}
