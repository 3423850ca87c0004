using FalconMamba.Formats;
using FalconMamba.Kernels;
using FalconMamba.Model;

namespace FalconMamba.Tests.Model;

/// <summary>The 7B model's width and vocabulary in two layers: 1.5 GB of random weights, so only when it is asked for.</summary>
public class WideModelTests
{
    [Fact(Explicit = true)]
    public void Logits_of_every_path_keep_the_bound_at_the_7b_models_width()
    {
        int[] ids = [1, 500, 64000, 17, 17, 3, 9000, 42];
        using var folder = new TemporaryFolder();
        RandomCheckpoint.Write(folder.Root, ModelShapes.Config("7b", layers: 2), TensorType.BF16);
        using var weights = ModelWeights.Open(folder.Root);
        var reference = new ReferenceModel<double>(weights);
        var past = reference.CreateState();
        var expected = ids.Select(id => reference.Step(past, id)).ToArray();
        var largest = expected.Max(row => row.Max(Math.Abs));
        foreach (var path in KernelSet.Paths)
        {
            foreach (var chunk in (int[])[1, ids.Length])
            {
                var error = Error(folder.Root, path, ids, chunk, expected);
                FixtureFolder.Report($"{path}, {chunk} at once: {error:E2} of {largest:F1}");
                Assert.InRange(error, 0, 2e-4 * largest);
            }
        }
    }

    private static double Error(string folder, string path, int[] ids, int chunk, double[][] expected)
    {
        using var model = new FalconMambaModel(ModelWeights.Open(folder), new ModelOptions { PrefillChunkSize = chunk }, KernelSet.Create(path, 2, exact: true));
        using var state = model.CreateState();
        var vocabulary = model.Config.VocabSize;
        var logits = new float[ids.Length * vocabulary];
        model.Forward([new Chunk(state, ids) { Logits = RowSelection.All }], logits);
        var error = 0.0;
        for (var i = 0; i < logits.Length; i++) error = Math.Max(error, Math.Abs(expected[i / vocabulary][i % vocabulary] - logits[i]));
        return error;
    }
}
