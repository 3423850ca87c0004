using FalconMamba.Formats;
using FalconMamba.Formats.Gguf;
using FalconMamba.Model;
using FalconMamba.Tests.Formats.Gguf;
using FalconMamba.Tokenization;

namespace FalconMamba.Tests.Model;

public class GgufModelTests
{
    [Fact]
    public void The_mixers_epsilon_and_its_source_are_told()
    {
        using var folder = new TemporaryFolder();
        var path = folder["a.gguf"];
        File.WriteAllBytes(path, Small().Build());
        using (var file = GgufFile.Open(path))
        {
            var config = FalconMambaConfig.FromGguf(file);
            Assert.Equal((2e-5, EpsilonSource.LayerNormEpsilon), (config.MixerRmsEps, config.MixerRmsEpsSource));
        }

        File.WriteAllBytes(path, Small().Add("falcon_mamba.mixer_rms_eps", 1e-6f).Build());
        using (var file = GgufFile.Open(path))
        {
            var config = FalconMambaConfig.FromGguf(file);
            Assert.Equal((1e-6, EpsilonSource.MixerKey, 2e-5), (config.MixerRmsEps, config.MixerRmsEpsSource, config.LayerNormEpsilon));
        }

        using var plain = FalconMambaModel.Load(path);
        using var other = FalconMambaModel.Load(path, new ModelOptions { MixerRmsEps = 1e-3 });
        Assert.Equal((1e-3, EpsilonSource.Override), (other.Config.MixerRmsEps, other.Config.MixerRmsEpsSource));
        Assert.NotEqual(plain.Fingerprint, other.Fingerprint);
        Assert.Throws<ArgumentException>(() => FalconMambaModel.Load(path, new ModelOptions { MixerRmsEps = double.NaN }));
        Assert.Throws<ArgumentException>(() => FalconMambaModel.Load(path, new ModelOptions { MixerRmsEps = 0 }));
    }

    [Fact]
    public void Shape_kind_and_special_tokens_come_from_the_metadata()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.gguf"], Small()
            .Add("tokenizer.ggml.tokens", ["<s>", "</s>", "<|im_end|>", "a"]).Add("tokenizer.ggml.token_type", [3, 3, 3, 1])
            .Add("tokenizer.ggml.bos_token_id", 0).Add("tokenizer.ggml.eos_token_id", 1).Build());
        using var model = FalconMambaModel.Load(folder["a.gguf"]);
        var config = model.Config;
        Assert.Equal(ModelKind.FalconMamba, config.ModelType);
        Assert.Equal((4, 16, 32, 4, 1, 4, 3), (config.VocabSize, config.HiddenSize, config.IntermediateSize, config.StateSize, config.NumHiddenLayers, config.ConvKernel, config.TimeStepRank));
        Assert.True(config is { TieWordEmbeddings: true, UseConvBias: true, UseBias: false, BosTokenId: 0, PadTokenId: null });
        Assert.Equal([1, 2], config.EosTokenIds);
        Assert.Same(model.Weights.Embeddings, model.Weights.LmHead);
        using var state = model.CreateState();
        var logits = new float[4];
        model.Forward([new Chunk(state, new[] { 1, 2, 3 })], logits);
        Assert.All(logits, logit => Assert.True(float.IsFinite(logit)));
    }

    [Theory]
    [InlineData("general.architecture", "llama", "key general.architecture: the architecture \"mamba\" was expected, found \"llama\".")]
    [InlineData("mamba.block_count", -1, "key mamba.block_count: a whole number of 31 bits was expected, found 4294967295.")]
    [InlineData("mamba.embedding_length", 17, "tensor token_embd.weight: shape [4, 17] was expected from the metadata, it is [4, 16].")]
    [InlineData("mamba.ssm.state_size", "four", "key mamba.ssm.state_size: a whole number was expected, it is of type Text.")]
    [InlineData("mamba.ssm.inner_size", null, "key mamba.ssm.inner_size: the key was expected, it is missing.")]
    [InlineData("tokenizer.ggml.eos_token_id", "1", "key tokenizer.ggml.eos_token_id: a whole number was expected, it is of type Text.")]
    public void What_does_not_fit_is_told_in_one_sentence(string key, object? value, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.gguf"], Small(key, value).Build());
        var refused = Assert.Throws<MalformedFileException>(() => ModelWeights.Open(folder["a.gguf"]));
        Assert.Equal($"{folder["a.gguf"]}: {message}", refused.Message);
    }

    [Fact]
    public void Tensors_that_do_not_belong_there_are_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.gguf"], Small().Add("blk.0.attn_q.weight", TensorType.F32, [2], new byte[8]).Build());
        Assert.EndsWith(
            "tensor blk.0.attn_q.weight: no such tensor belongs to the model that the metadata describes.",
            Assert.Throws<MalformedFileException>(() => ModelWeights.Open(folder["a.gguf"])).Message,
            StringComparison.Ordinal);
    }

    /// <summary>The divergence over a long text, as the table of the fixtures has it.</summary>
    [Fact]
    [Trait("Category", "Golden")]
    public void Activations_of_eight_bits_stay_close_to_float_ones_over_a_long_text() => FixtureFolder.ForEach<GgufTables.Case>("gguf", GgufTables.Discover, isPart: true, check: static golden =>
    {
        const int chunks = 8, length = 512;
        var text = Path.Combine(FixtureFolder.Root, "models", golden.Name, "valid.txt");
        if (!File.Exists(text) || golden.Type is not ("Q4_K_M" or "Q8_0" or "Q5_K_M" or "Q6_K" or "Q4_0" or "Q4_K_M-imatrix")) return;
        var ids = Tokenizer.Load(golden.Path).Encode(File.ReadAllText(text))[..(chunks * length)];
        using var model = FalconMambaModel.Load(golden.Path);
        using var exact = FalconMambaModel.Load(golden.Path, new ModelOptions { Exact = true });
        var sum = 0.0;
        foreach (var chunk in ids.Chunk(length)) sum += Divergence.Mean(SecondHalf(exact, chunk), SecondHalf(model, chunk), model.Config.VocabSize);
        FixtureFolder.Report($"  {Path.GetFileName(golden.Path)}: mean KL divergence {sum / chunks:E2}");
        Assert.InRange(sum / chunks, 0, 4e-4);

        static float[] SecondHalf(FalconMambaModel model, int[] ids)
        {
            using var state = model.CreateState();
            var logits = new float[length * model.Config.VocabSize];
            model.Forward([new Chunk(state, ids) { Logits = RowSelection.All }], logits);
            return logits[(logits.Length / 2)..];
        }
    });

    // A model of one layer, 16 wide, with random weights; a key may be set to another value, or left out.
    private static GgufBuilder Small(string? key = null, object? value = null)
    {
        var builder = new GgufBuilder();
        Add("general.architecture", "mamba");
        Add("mamba.embedding_length", 16);
        Add("mamba.block_count", 1);
        Add("mamba.ssm.conv_kernel", 4);
        Add("mamba.ssm.inner_size", 32);
        Add("mamba.ssm.state_size", 4);
        Add("mamba.ssm.time_step_rank", 3);
        builder.Add("mamba.attention.layer_norm_rms_epsilon", 2e-5f).Add("mamba.ssm.dt_b_c_rms", true);
        if (key == "tokenizer.ggml.eos_token_id") builder.Add(key, (string)value!);

        var random = new Random(1);
        foreach (var (name, shape) in new (string, long[])[]
        {
            ("token_embd.weight", [4, 16]), ("output_norm.weight", [16]), ("blk.0.attn_norm.weight", [16]), ("blk.0.ssm_in.weight", [64, 16]),
            ("blk.0.ssm_conv1d.weight", [32, 4]), ("blk.0.ssm_conv1d.bias", [32]), ("blk.0.ssm_x.weight", [11, 32]), ("blk.0.ssm_dt.weight", [32, 3]),
            ("blk.0.ssm_dt.bias", [32]), ("blk.0.ssm_a", [32, 4]), ("blk.0.ssm_d", [32]), ("blk.0.ssm_out.weight", [16, 32]),
        })
        {
            var bytes = new byte[4 * shape.Aggregate(1L, (a, b) => a * b)];
            for (var i = 0; i < bytes.Length; i += 4) BitConverter.TryWriteBytes(bytes.AsSpan(i), -random.NextSingle());
            builder.Add(name, TensorType.F32, shape, bytes);
        }

        return builder;

        void Add(string name, object standard)
        {
            switch (name == key ? value : standard)
            {
                case string text: builder.Add(name, text); break;
                case int number: builder.Add(name, number); break;
            }
        }
    }
}
