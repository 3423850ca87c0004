using FalconMamba.Formats;
using FalconMamba.Model;

namespace FalconMamba.Tests.Model;

public class RandomCheckpointTests
{
    private static readonly FalconMambaConfig Small = new()
    {
        VocabSize = 1000,
        HiddenSize = 64,
        IntermediateSize = 130,
        NumHiddenLayers = 2,
        TimeStepRank = 4,
        StateSize = 5,
        UseBias = true,
        TieWordEmbeddings = false,
        InitializerRange = 0.02,
    };

    [Theory]
    [InlineData(TensorType.F32)]
    [InlineData(TensorType.BF16)]
    [InlineData(TensorType.F16)]
    public void Weights_are_initialised_as_mamba_is(TensorType type)
    {
        using var folder = new TemporaryFolder();
        var bytes = RandomCheckpoint.Write(folder.Root, Small, type, seed: 3, cancellationToken: TestContext.Current.CancellationToken);
        using var weights = ModelWeights.Open(folder.Root);
        Assert.Equal((weights.ByteLength, bytes), (bytes, RandomCheckpoint.ByteLength(Small, type)));
        var layer = weights.Layers[1];
        Assert.All(weights.Tensors, tensor => Assert.Equal(type, tensor.Type));
        foreach (var matrix in (Tensor[])[weights.Embeddings, weights.LmHead, layer.InProj, layer.OutProj])
        {
            var values = matrix.ToSingle();
            Assert.InRange(values.Average(), -0.001, 0.001);
            Assert.InRange(Math.Sqrt(values.Average(x => (double)x * x)), 0.019, 0.021);
            // Normal, not uniform: one of three hundred is beyond three deviations, none is beyond six.
            Assert.InRange(values.Count(x => Math.Abs(x) > 0.06) / (double)values.Length, 0.001, 0.005);
            Assert.InRange(values.Max(Math.Abs), 0.06, 0.12);
        }

        Assert.All(layer.ALog.ToSingle().Chunk(5), row => Assert.Equal([0, 0.693, 1.099, 1.386, 1.609], row.Select(a => Math.Round(a, 2)), (a, b) => Math.Abs(a - b) < 0.02));
        Assert.All(layer.D.ToSingle(), d => Assert.Equal(1, d));
        Assert.All(layer.Norm.ToSingle(), w => Assert.Equal(1, w));
        Assert.All(layer.Conv1d.ToSingle(), w => Assert.InRange(w, -0.5f, 0.5f));
        Assert.All(layer.DtProjBias.ToSingle(), bias => Assert.InRange(Math.Log(1 + Math.Exp(bias)), 0.98e-3, 0.102));
    }

    [Fact]
    public void A_weight_depends_on_seed_name_and_place_only()
    {
        using var folder = new TemporaryFolder();
        var one = Write(Small with { NumHiddenLayers = 1 }, "one", 3);
        var two = Write(Small, "two", 3);
        var other = Write(Small, "other", 4);
        Assert.Equal(one.Head, two.Head);
        Assert.Equal(one.InProj, two.InProj);
        Assert.NotEqual(two.Head, other.Head);

        (float[] Head, float[] InProj) Write(FalconMambaConfig config, string name, ulong seed)
        {
            Directory.CreateDirectory(folder[name]);
            RandomCheckpoint.Write(folder[name], config, TensorType.F32, seed, cancellationToken: TestContext.Current.CancellationToken);
            using var weights = ModelWeights.Open(folder[name]);
            return (weights.LmHead.ToSingle(), weights.Layers[0].InProj.ToSingle());
        }
    }

    [Fact]
    public void The_largest_shape_is_that_of_falcon_mamba_7b()
    {
        Assert.Equal(14_545_330_176, RandomCheckpoint.ByteLength(ModelShapes.Config("7b"), TensorType.BF16));
        Assert.Throws<ArgumentException>(() => ModelShapes.Config("9b"));
        Assert.Throws<ArgumentOutOfRangeException>(() => ModelShapes.Config("7b", 0));
    }

    [Fact]
    public void The_memory_estimate_is_what_a_model_allocates()
    {
        foreach (var config in (FalconMambaConfig[])[Small, Small with { UseBias = false, UseConvBias = false, IntermediateSize = 128 }])
        {
            using var folder = new TemporaryFolder();
            RandomCheckpoint.Write(folder.Root, config, TensorType.BF16, cancellationToken: TestContext.Current.CancellationToken);
            using var model = FalconMambaModel.Load(folder.Root, new ModelOptions { Threads = 2, PrefillChunkSize = 32 });
            var estimate = MemoryEstimate.Of(model.Weights, new ModelOptions { Threads = 2, PrefillChunkSize = 32 });
            using var state = model.CreateState();
            Assert.Equal(state.ByteLength, estimate.State);
            Assert.Equal(model.Prepared.Layers.Sum(layer => layer.ByteLength) + (model.Prepared.NormF.Length * 4L), estimate.Prepared);
            Assert.Equal((model.KernelPath, 2, model.Weights.ByteLength), (estimate.KernelPath, estimate.Threads, estimate.Weights));
        }
    }
}
