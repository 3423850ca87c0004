using System.Text.Json;
using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Generation;

namespace FalconMamba.Tests.Generation;

[Trait("Category", "Golden")]
public class SamplingGoldenTests
{
    private const string Category = "sampling";
    private const double RelativeError = 2e-6;

    // Closer to a threshold than this, float32's rounding decides.
    private const double FragileMargin = 1e-6;

    private static readonly Dictionary<string, Action<Candidates, JsonElement, int>> Filters = new()
    {
        ["temperature"] = (candidates, p, _) => SamplingFilters.Temperature(candidates, p.GetProperty("temperature").GetDouble()),
        ["top_k"] = (candidates, p, keep) => SamplingFilters.TopK(candidates, p.GetProperty("top_k").GetInt32(), keep),
        ["top_p"] = (candidates, p, keep) => SamplingFilters.TopP(candidates, p.GetProperty("top_p").GetDouble(), keep),
        ["min_p"] = (candidates, p, keep) => SamplingFilters.MinP(candidates, p.GetProperty("min_p").GetDouble(), keep),
    };

    private sealed record Case(JsonElement Json, Tensor Logits, Tensor Output)
    {
        public string Processor => Json.GetProperty("processor").GetString()!;

        public JsonElement Parameters => Json.GetProperty("params");

        public bool IsFragile => Json.TryGetProperty("margin", out var margin) && margin.ValueKind == JsonValueKind.Number && margin.GetDouble() < FragileMargin;

        public bool SplitsEqualLogits => Json.TryGetProperty("splits_equal_logits", out var splits) && splits.GetBoolean();

        // A chain is ours if every filter in it is.
        public bool IsSupported => Processor == "chain"
            ? Parameters.EnumerateObject().All(p => Filters.ContainsKey(p.Name))
            : Filters.ContainsKey(Processor);
    }

    [Fact]
    public void Filters_keep_the_tokens_and_logits_that_transformers_keeps()
    {
        int ran = 0, later = 0, fragile = 0;
        FixtureFolder.ForEach<Case>(Category, Discover, c =>
        {
            if (!c.IsSupported) later++;
            else if (c.IsFragile) fragile++;
            else
            {
                ran++;
                Check(c);
            }
        });
        FixtureFolder.Report($"{Category}: of these {ran} ran, {later} are for processors to come, {fragile} hang on rounding");
    }

    [Fact]
    public void The_largest_logit_is_found_the_first_among_equals() =>
        FixtureFolder.ForEach<(Tensor Logits, Tensor ArgMax)>(Category, DiscoverLogits, c =>
        {
            var expected = new float[c.ArgMax.ElementCount];
            c.ArgMax.CopyTo(expected);
            var rows = Rows(c.Logits);
            Assert.Equal(expected.Length, rows.Count);
            var sampler = new Sampler(new GenerationOptions());
            for (var row = 0; row < rows.Count; row++) Assert.Equal((int)expected[row], sampler.Sample(rows[row], row));
        });

    private static void Check(Case c)
    {
        var candidates = new Candidates();
        var expected = Rows(c.Output);
        var inputs = Rows(c.Logits);
        for (var row = 0; row < inputs.Count; row++)
        {
            candidates.Load(inputs[row]);
            Apply(c, candidates);
            Assert.Equal(c.Json.GetProperty("kept")[row].GetInt32(), candidates.Count);
            var actual = new float[inputs[row].Length];
            Array.Fill(actual, float.NegativeInfinity);
            for (var i = 0; i < candidates.Count; i++) actual[candidates.Ids[i]] = candidates.Logits[i];
            // Which of equal logits stay is an accident there, so only their values count.
            if (c.SplitsEqualLogits)
            {
                Array.Sort(actual);
                Array.Sort(expected[row]);
            }

            for (var i = 0; i < actual.Length; i++)
                Assert.True(actual[i] == expected[row][i] || Math.Abs(actual[i] - expected[row][i]) <= RelativeError * Math.Abs(expected[row][i]),
                    $"row {row}, token {i}: {actual[i]} instead of {expected[row][i]}");
        }
    }

    private static void Apply(Case c, Candidates candidates)
    {
        if (c.Processor != "chain")
        {
            var keep = c.Parameters.TryGetProperty("min_tokens_to_keep", out var count) ? count.GetInt32() : 1;
            Filters[c.Processor](candidates, c.Parameters, keep);
            return;
        }

        var options = new GenerationOptions
        {
            Temperature = Number("temperature", 1),
            TopK = (int)Number("top_k", 0),
            TopP = Number("top_p", 1),
            MinP = Number("min_p", 0),
        };
        new Sampler(options).Filter(candidates);

        double Number(string name, double absent) => c.Parameters.TryGetProperty(name, out var value) ? value.GetDouble() : absent;
    }

    private static IEnumerable<(string, Case)> Discover(string folder)
    {
        using var arrays = SafetensorsFile.Open(Path.Combine(folder, "arrays.safetensors"));
        using var cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
        foreach (var json in cases.RootElement.EnumerateArray())
        {
            var id = json.GetProperty("id").GetString()!;
            yield return ($"{id} {json.GetProperty("processor").GetString()}",
                new Case(json, arrays.Tensors[json.GetProperty("logits").GetString()!], arrays.Tensors[json.GetProperty("output").GetString()!]));
        }
    }

    private static IEnumerable<(string, (Tensor, Tensor))> DiscoverLogits(string folder)
    {
        using var arrays = SafetensorsFile.Open(Path.Combine(folder, "arrays.safetensors"));
        foreach (var tensor in arrays.InFileOrder)
            if (tensor.Name.Split('.') is ["argmax", var set]) yield return (set, (arrays.Tensors[$"logits.{set}"], tensor));
    }

    private static List<float[]> Rows(Tensor tensor)
    {
        var rows = new List<float[]>();
        for (long row = 0; row < tensor.Shape[0]; row++)
        {
            var values = new float[tensor.Shape[1]];
            tensor.CopyTo(row * tensor.Shape[1], values);
            rows.Add(values);
        }

        return rows;
    }
}
