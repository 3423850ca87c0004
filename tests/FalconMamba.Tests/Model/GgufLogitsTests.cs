using System.Runtime.CompilerServices;
using System.Text.Json;
using FalconMamba.Formats.Gguf;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Model;
using FalconMamba.Quantization;
using FalconMamba.Tests.Formats.Gguf;

namespace FalconMamba.Tests.Model;

/// <summary>Every GGUF file of the fixtures against <c>NAME-logits.safetensors</c> beside it.</summary>
[Trait("Category", "Golden")]
public class GgufLogitsTests
{
    [Fact]
    public void Float_activations_give_the_reference_logits() => ForEach(static (golden, logits) =>
    {
        using var model = FalconMambaModel.Load(golden.Path, new ModelOptions { Exact = true });
        var actual = AllLogits(model, logits);
        var expected = logits.Tensors[$"{golden.Type}.float32"].ToSingle();
        var vocabulary = model.Config.VocabSize;
        var worst = 0f;
        foreach (var (row, position) in Positions(golden, expected.Length / vocabulary).Index())
            for (var v = 0; v < vocabulary; v++) worst = Math.Max(worst, Math.Abs(expected[(row * vocabulary) + v] - actual[(position * vocabulary) + v]));
        FixtureFolder.Report($"  {Path.GetFileName(golden.Path)}: largest error {worst:E1}");
        Assert.InRange(worst, 0, 1e-3);
    });

    [Fact]
    public void Float_activations_follow_the_float64_reference() => ForEach(static (golden, logits) =>
    {
        using var weights = ModelWeights.Open(golden.Path);
        var reference = new ReferenceModel<double>(weights);
        var state = reference.CreateState();
        using var model = FalconMambaModel.Load(golden.Path, new ModelOptions { Exact = true });
        var actual = AllLogits(model, logits);
        double largest = 0, error = 0;
        foreach (var (position, id) in Ids(logits).Index())
        {
            var expected = reference.Step(state, id);
            for (var v = 0; v < expected.Length; v++)
            {
                largest = Math.Max(largest, Math.Abs(expected[v]));
                error = Math.Max(error, Math.Abs(expected[v] - actual[(position * expected.Length) + v]));
            }
        }

        Assert.InRange(error, 0, 5e-5 * Math.Max(1, largest / 10));
    });

    [Fact]
    public void Activations_of_eight_bits_stay_close_to_float_ones() => ForEach(static (golden, logits) =>
    {
        using var model = FalconMambaModel.Load(golden.Path);
        using var exact = FalconMambaModel.Load(golden.Path, new ModelOptions { Exact = true });
        var divergence = Divergence.Mean(AllLogits(exact, logits), AllLogits(model, logits), model.Config.VocabSize);

        // llama.cpp rounds activations to eight bits too; how far that takes it from float arithmetic is recorded.
        var recorded = golden.Description.GetProperty("logits").GetProperty("kl_llama_cpp_to_float32_of_dequantised").GetDouble();
        FixtureFolder.Report($"  {Path.GetFileName(golden.Path)}: mean KL divergence {divergence:E2}, llama.cpp {recorded:E2}");
        Assert.InRange(divergence, -1e-12, Math.Max(4e-4, recorded));
    });

    [Fact]
    public void Types_without_arithmetic_are_refused_in_one_sentence() => FixtureFolder.ForEach<GgufTables.Case>("gguf", GgufTables.Discover, isPart: true, check: static golden =>
    {
        using var file = GgufFile.Open(golden.Path);
        if (IsSupported(file)) return;
        var refused = Assert.Throws<MalformedFileException>(() => ModelWeights.Open(golden.Path));
        Assert.StartsWith($"{golden.Path}: tensor ", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith("which is not supported.", refused.Message, StringComparison.Ordinal);
    });

    private static void ForEach(Action<GgufTables.Case, SafetensorsFile> check, [CallerMemberName] string test = "") => FixtureFolder.ForEach<GgufTables.Case>("gguf", GgufTables.Discover, isPart: true, test: test, check: golden =>
    {
        var path = Path.Combine(Path.GetDirectoryName(golden.Path)!, $"{golden.Name}-logits.safetensors");
        using var file = GgufFile.Open(golden.Path);
        if (!File.Exists(path) || !IsSupported(file)) return;
        using var logits = SafetensorsFile.Open(path);
        check(golden, logits);
    });

    private static bool IsSupported(GgufFile file) =>
        file.Tensors.Values.All(tensor => FalconMamba.Formats.TensorTypes.Info(tensor.Type).BlockLength == 1 || BlockFormats.Find(tensor.Type) is not null);

    private static int[] Ids(SafetensorsFile logits) => [.. logits.Tensors["ids"].ToSingle().Select(id => (int)id)];

    // Either every position is recorded, or those that the description lists.
    private static IEnumerable<int> Positions(GgufTables.Case golden, int rows)
    {
        var listed = golden.Description.GetProperty("logits").GetProperty("positions");
        return listed.ValueKind == JsonValueKind.Array ? listed.EnumerateArray().Select(position => position.GetInt32()) : Enumerable.Range(0, rows);
    }

    private static float[] AllLogits(FalconMambaModel model, SafetensorsFile logits)
    {
        using var state = model.CreateState();
        var ids = Ids(logits);
        var result = new float[ids.Length * model.Config.VocabSize];
        model.Forward([new Chunk(state, ids) { Logits = RowSelection.All }], result);
        return result;
    }
}
