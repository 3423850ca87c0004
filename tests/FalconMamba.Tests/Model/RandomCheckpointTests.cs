using FalconMamba.Formats;
using FalconMamba.Formats.Gguf;
using FalconMamba.Kernels;
using FalconMamba.Model;
using FalconMamba.Quantization;

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

    // Every row but dt's is one of blocks of 256.
    private static readonly FalconMambaConfig Wide = new()
    {
        VocabSize = 300,
        HiddenSize = 256,
        IntermediateSize = 512,
        NumHiddenLayers = 2,
        TimeStepRank = 32,
        StateSize = 4,
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

    [Theory]
    [InlineData("F32")]
    [InlineData("BF16")]
    [InlineData("F16")]
    [InlineData("Q8_0")]
    [InlineData("Q6_K")]
    [InlineData("Q5_K_M")]
    [InlineData("Q4_K_M")]
    [InlineData("Q4_0")]
    public void A_file_of_every_mix_has_its_types_and_says_something(string name)
    {
        using var folder = new TemporaryFolder();
        var mix = QuantizationMix.Find(name)!;
        foreach (var config in (FalconMambaConfig[])[Wide, Wide with { TimeStepRank = 6, TieWordEmbeddings = true, UseBias = true, UseConvBias = false }])
        {
            var bytes = RandomCheckpoint.Write(folder["a.gguf"], config, mix, 5, cancellationToken: TestContext.Current.CancellationToken);
            using var model = FalconMambaModel.Load(folder["a.gguf"]);
            Assert.Equal((model.Weights.ByteLength, bytes), (bytes, RandomCheckpoint.ByteLength(config, mix)));
            Assert.Equal(config with { InitializerRange = 0.1, BosTokenId = null, PadTokenId = null, EosTokenIds = [], MixerRmsEpsSource = EpsilonSource.MixerKey }, model.Config with { EosTokenIds = [] });
            Assert.Equal(mix.TypeOf(WeightRole.Head, config.HiddenSize), model.Weights.LmHead.Type);
            Assert.Equal(mix.TypeOf(WeightRole.Projection, config.TimeStepRank), model.Weights.Layers[1].DtProj.Type);
            Assert.All(model.Weights.Layers[1].ALog.ToSingle().Chunk(config.StateSize), row => Assert.Equal([-1f, -2, -3, -4], row));

            using var state = model.CreateState();
            var logits = new float[2 * config.VocabSize];
            model.Forward([new Chunk(state, new[] { 1 })], logits.AsSpan(0, config.VocabSize));
            model.Forward([new Chunk(state, new[] { 2 })], logits.AsSpan(config.VocabSize));
            Assert.All(logits, logit => Assert.True(float.IsFinite(logit)));
            Assert.InRange(logits.Max() - logits.Min(), 0.5f, 50f);
            Assert.NotEqual(logits[..config.VocabSize], logits[config.VocabSize..]);
        }
    }

    [Fact]
    public void A_file_has_the_tensors_and_keys_of_one_by_llama_cpp()
    {
        using var folder = new TemporaryFolder();
        using var real = GgufFile.Open(Path.Combine(FixtureFolder.Repository, "tests", "fixtures", "gguf", "random-dt256-tied-Q4_K_M.gguf"));
        RandomCheckpoint.Write(folder["a.gguf"], FalconMambaConfig.FromGguf(real), QuantizationMix.Find("Q4_K_M")!, cancellationToken: TestContext.Current.CancellationToken);
        using var random = GgufFile.Open(folder["a.gguf"]);
        Assert.Equal(real.Tensors.Values.Select(Row).Order(), random.Tensors.Values.Select(Row).Order());
        foreach (var (key, value) in real.Metadata.Where(entry => entry.Key.StartsWith("mamba.", StringComparison.Ordinal) || entry.Value.Type == GgufValueType.U32 && entry.Key.StartsWith("general.", StringComparison.Ordinal)))
            Assert.Equal((key, value.Type, value.ToString()), (key, random.Metadata[key].Type, random.Metadata[key].ToString()));

        static (string, TensorType, string, long) Row(Tensor tensor) => (tensor.Name, tensor.Type, string.Join(' ', tensor.Shape), tensor.ByteLength);
    }

    [Fact]
    public void A_file_of_plain_numbers_has_those_of_the_folder()
    {
        using var folder = new TemporaryFolder();
        RandomCheckpoint.Write(folder.Root, Small, TensorType.F32, 3, cancellationToken: TestContext.Current.CancellationToken);
        RandomCheckpoint.Write(folder["a.gguf"], Small, QuantizationMix.Find("F32")!, 3, cancellationToken: TestContext.Current.CancellationToken);
        using var inFolder = ModelWeights.Open(folder.Root);
        using var inFile = ModelWeights.Open(folder["a.gguf"]);
        Assert.Equal(inFolder.LmHead.ToSingle(), inFile.LmHead.ToSingle());
        Assert.Equal(inFolder.Layers[1].Conv1d.ToSingle(), inFile.Layers[1].Conv1d.ToSingle());
        Assert.Equal(inFolder.Layers[1].InProjBias!.ToSingle(), inFile.Layers[1].InProjBias!.ToSingle());
    }

    [Fact]
    public void The_same_seed_gives_the_same_file()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(Write("one", 3), Write("two", 3));
        Assert.NotEqual(Write("one", 3), Write("two", 4));

        byte[] Write(string name, ulong seed)
        {
            RandomCheckpoint.Write(folder[name], Wide, QuantizationMix.Find("Q4_K_M")!, seed, cancellationToken: TestContext.Current.CancellationToken);
            return File.ReadAllBytes(folder[name]);
        }
    }

    [Fact]
    public void The_largest_file_has_the_size_of_falcon_mamba_7b()
    {
        // The published file of Q4_K_M has 4,204,230,432 bytes, of which the vocabulary takes some.
        Assert.InRange(RandomCheckpoint.ByteLength(ModelShapes.Config("7b"), QuantizationMix.Find("Q4_K_M")!), 0.99 * 4_204_230_432, 4_204_230_432);
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
            using var prepared = new PreparedWeights(model.Weights, threads: 2);
            Assert.Equal(prepared.ByteLength, estimate.Prepared);
            Assert.Equal((model.KernelPath, 2, model.Weights.ByteLength), (estimate.KernelPath, estimate.Threads, estimate.Weights));
        }
    }

    [Theory]
    [InlineData(TensorType.F32, 100)]
    [InlineData(TensorType.F32, 9)]
    [InlineData(TensorType.F16, 100)]
    [InlineData(TensorType.F16, 40)]
    [InlineData(TensorType.BF16, 100)]
    [InlineData(TensorType.BF16, 7)]
    public void The_estimated_scratch_is_what_a_thread_keeps(TensorType type, int tokens)
    {
        using var folder = new TemporaryFolder();
        var config = Small with { HiddenSize = 1152, IntermediateSize = 1280, NumHiddenLayers = 1 };
        RandomCheckpoint.Write(folder.Root, config, type, cancellationToken: TestContext.Current.CancellationToken);
        var options = new ModelOptions { Threads = 1, PrefillChunkSize = tokens };
        ProductScratch kept = default;

        // All work of one thread is done by the caller: a thread that has kept nothing yet.
        var thread = new Thread(() =>
        {
            using var model = FalconMambaModel.Load(folder.Root, options);
            using var state = model.CreateState();
            model.Forward([new Chunk(state, Enumerable.Range(0, tokens).ToArray())], new float[config.VocabSize]);
            kept = ThreadMemory.Kept;
        });
        thread.Start();
        thread.Join();
        using var weights = ModelWeights.Open(folder.Root);
        var (kernels, estimate) = (KernelSet.Create(1), MemoryEstimate.Of(weights, options).Scratch);
        if (kernels.Choose(type, 2 * config.IntermediateSize, config.HiddenSize, tokens).Name == nameof(AmxProduct))
        {
            // Its panels are those of a worker.
            Assert.InRange(kept.Inputs, 1, estimate);
            return;
        }

        Assert.Equal(kept.Inputs + kept.Panels, estimate);
        if (tokens == 100 && kernels.Assembled) Assert.NotEqual(0, kept.Panels);
    }
}
