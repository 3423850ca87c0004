using System.Text;
using System.Text.Json;
using FalconMamba.Generation;
using FalconMamba.Model;

namespace FalconMamba.Tests.Model;

public class FalconMambaConfigTests
{
    [Fact]
    [Trait("Category", "Golden")]
    public void Published_configurations_read_as_they_are_written()
    {
        foreach (var category in new[] { "models", "quant/bnb" }) FixtureFolder.ForEach<string>(category, Discover, Check, isPart: category != "models");

        static IEnumerable<(string, string)> Discover(string folder) =>
            Directory.GetFiles(folder, "config.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path => (path, path));

        static void Check(string path)
        {
            var config = FalconMambaConfig.FromFile(path);
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            var root = json.RootElement;
            Assert.Equal(root.GetProperty("model_type").GetString() == "falcon_mamba", config.NormalizesDtBC);
            Assert.Equal(root.GetProperty("vocab_size").GetInt32(), config.VocabSize);
            Assert.Equal(root.GetProperty("hidden_size").GetInt32(), config.HiddenSize);
            Assert.Equal(root.GetProperty("intermediate_size").GetInt32(), config.IntermediateSize);
            Assert.Equal(root.GetProperty("state_size").GetInt32(), config.StateSize);
            Assert.Equal(root.GetProperty("num_hidden_layers").GetInt32(), config.NumHiddenLayers);
            Assert.Equal(root.GetProperty("conv_kernel").GetInt32(), config.ConvKernel);
            Assert.Equal(root.GetProperty("time_step_rank").GetInt32(), config.TimeStepRank);
            Assert.Equal(root.GetProperty("layer_norm_epsilon").GetDouble(), config.LayerNormEpsilon);
            Assert.Equal(root.TryGetProperty("mixer_rms_eps", out var eps) ? eps.GetDouble() : 1e-6, config.MixerRmsEps);
            Assert.Equal(root.GetProperty("use_bias").GetBoolean(), config.UseBias);
            Assert.Equal(root.GetProperty("use_conv_bias").GetBoolean(), config.UseConvBias);
            Assert.Equal(root.GetProperty("tie_word_embeddings").GetBoolean(), config.TieWordEmbeddings);
            Assert.Equal(root.GetProperty("dtype").GetString(), config.TorchDtype);
            Assert.Equal(root.TryGetProperty("quantization_config", out _), config.IsQuantized);
            CheckRoundTrip(config);

            var generation = GenerationConfig.FromFile(Path.Combine(Path.GetDirectoryName(path)!, "generation_config.json"));
            Assert.Equal(config.BosTokenId, generation.BosTokenId);
            Assert.Equal(config.EosTokenIds.AsEnumerable(), generation.EosTokenIds);
            Assert.Equal(config.PadTokenId, generation.PadTokenId);
            Assert.True(generation.Complete().Options.DoSample is not true);
        }
    }

    [Fact]
    public void The_width_is_intermediate_size_and_expand_only_stands_in_for_it()
    {
        Assert.Equal(8192, Parse("""{"model_type": "falcon_mamba", "hidden_size": 4096, "intermediate_size": 8192, "expand": 16}""").IntermediateSize);
        Assert.Equal(12288, Parse("""{"model_type": "falcon_mamba", "hidden_size": 4096, "expand": 3}""").IntermediateSize);
        Assert.Equal(8192, Parse("""{"model_type": "falcon_mamba", "hidden_size": 4096}""").IntermediateSize);
    }

    [Theory]
    [InlineData("\"auto\"", 3)]
    [InlineData("7", 7)]
    [InlineData("null", 3)]
    public void The_rank_of_dt_is_a_number_or_a_sixteenth_of_the_width(string written, int expected) =>
        Assert.Equal(expected, Parse($$"""{"model_type": "mamba", "hidden_size": 40, "time_step_rank": {{written}}}""").TimeStepRank);

    [Fact]
    public void What_is_absent_has_the_defaults_of_the_model_type()
    {
        var config = Parse("""{"model_type": "falcon_mamba", "hidden_act": "swish", "n_layer": 5, "torch_dtype": "bfloat16"}""");
        Assert.Equal(1e-5, config.LayerNormEpsilon);
        Assert.Equal(1e-6, config.MixerRmsEps);
        Assert.True(config.TieWordEmbeddings);
        Assert.True(config.UseConvBias);
        Assert.False(config.UseBias);
        Assert.Equal(5, config.NumHiddenLayers);
        Assert.Equal("bfloat16", config.TorchDtype);
    }

    [Theory]
    [InlineData("11", new[] { 11 })]
    [InlineData("[11, 10]", new[] { 11, 10 })]
    [InlineData("null", new int[0])]
    [InlineData("-1", new int[0])]
    [InlineData("[]", new int[0])]
    public void End_tokens_are_one_number_or_several(string written, int[] expected)
    {
        Assert.Equal(expected, Parse($$"""{"model_type": "falcon_mamba", "eos_token_id": {{written}}}""").EosTokenIds);
        Assert.Equal(expected, GenerationConfig.Parse(Encoding.UTF8.GetBytes($$"""{"eos_token_id": {{written}}}"""), "g").EosTokenIds);
    }

    [Fact]
    public void The_original_checkpoints_configuration_is_read()
    {
        var config = Parse("""
            {"d_model": 768, "n_layer": 24, "vocab_size": 50277, "ssm_cfg": {}, "rms_norm": true, "residual_in_fp32": true,
             "fused_add_norm": true, "pad_vocab_size_multiple": 8}
            """);
        Assert.False(config.NormalizesDtBC);
        Assert.Equal((50280, 768, 1536, 24, 48, 16, 4), (config.VocabSize, config.HiddenSize, config.IntermediateSize, config.NumHiddenLayers, config.TimeStepRank, config.StateSize, config.ConvKernel));
        CheckRoundTrip(config);
    }

    [Fact]
    public void A_written_configuration_reads_back()
    {
        CheckRoundTrip(new FalconMambaConfig());
        CheckRoundTrip(new FalconMambaConfig
        {
            ModelType = ModelKind.Mamba,
            VocabSize = 65024,
            HiddenSize = 4096,
            IntermediateSize = 8200,
            StateSize = 5,
            NumHiddenLayers = 64,
            ConvKernel = 3,
            TimeStepRank = 256,
            LayerNormEpsilon = 1e-6,
            MixerRmsEps = 2e-6,
            UseBias = true,
            UseConvBias = false,
            TieWordEmbeddings = false,
            BosTokenId = null,
            EosTokenIds = [11, 10],
            PadTokenId = null,
            TorchDtype = "bfloat16",
            InitializerRange = 0.02,
            TimeStepMin = 0.002,
            TimeStepMax = 0.2,
            TimeStepFloor = 2e-4,
            TimeStepScale = 2,
            RescalePrenormResidual = true,
            QuantizationConfig = """{"load_in_4bit":true}""",
        });
    }

    [Theory]
    [InlineData("{}", "model_type")]
    [InlineData("""{"model_type": "mamba2"}""", "model_type")]
    [InlineData("""{"model_type": 1}""", "model_type")]
    [InlineData("""{"model_type": "\ud800"}""", "model_type")]
    [InlineData("""{"model_type": "mamba", "hidden_act": "gelu"}""", "hidden_act")]
    [InlineData("""{"model_type": "mamba", "vocab_size": 0}""", "vocab_size")]
    [InlineData("""{"model_type": "mamba", "vocab_size": 2147483648}""", "vocab_size")]
    [InlineData("""{"model_type": "mamba", "vocab_size": 64.5}""", "vocab_size")]
    [InlineData("""{"model_type": "mamba", "vocab_size": "64"}""", "vocab_size")]
    [InlineData("""{"model_type": "mamba", "hidden_size": -1}""", "expand")]
    [InlineData("""{"model_type": "mamba", "hidden_size": -1, "intermediate_size": 4}""", "hidden_size")]
    [InlineData("""{"model_type": "mamba", "intermediate_size": 999999999}""", "intermediate_size")]
    [InlineData("""{"model_type": "mamba", "expand": 1e300}""", "expand")]
    [InlineData("""{"model_type": "mamba", "expand": 1e400}""", "expand")]
    [InlineData("""{"model_type": "mamba", "vocab_size": 16777216, "hidden_size": 1048576, "intermediate_size": 4}""", "vocab_size")]
    [InlineData("""{"model_type": "mamba", "time_step_rank": "half"}""", "time_step_rank")]
    [InlineData("""{"model_type": "mamba", "layer_norm_epsilon": 0}""", "layer_norm_epsilon")]
    [InlineData("""{"model_type": "mamba", "layer_norm_epsilon": 1e-320}""", "layer_norm_epsilon")]
    [InlineData("""{"model_type": "mamba", "use_bias": 1}""", "use_bias")]
    [InlineData("""{"model_type": "mamba", "eos_token_id": [1, "2"]}""", "eos_token_id")]
    [InlineData("""{"model_type": "mamba", "eos_token_id": -2}""", "eos_token_id")]
    [InlineData("""{"model_type": "mamba", "time_step_min": 1, "time_step_max": 0.5}""", "time_step_max")]
    [InlineData("""{"d_model": 64, "n_layer": 0, "vocab_size": 8}""", "num_hidden_layers")]
    [InlineData("""{"d_model": 64, "n_layer": 2, "vocab_size": 8, "ssm_cfg": {"layer": "Mamba2"}}""", "ssm_cfg.layer")]
    [InlineData("""{"d_model": 64, "n_layer": 2, "vocab_size": 8, "rms_norm": false}""", "rms_norm")]
    [InlineData("""{"d_model": 64, "n_layer": 2, "vocab_size": 8, "pad_vocab_size_multiple": 2147483647}""", "vocab_size")]
    [InlineData("[]", "byte 0")]
    [InlineData("", "line")]
    [InlineData("{} {}", "line")]
    public void Anything_else_is_refused_by_key(string json, string place)
    {
        var error = Assert.Throws<MalformedFileException>(() => Parse(json));
        Assert.Equal("config.json", error.File);
        Assert.StartsWith(place, error.Place, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_damage_is_refused_or_in_bounds()
    {
        var good = Encoding.UTF8.GetBytes(new FalconMambaConfig { EosTokenIds = [11, 10], QuantizationConfig = "{\"é\":1}" }.ToJson());
        var random = new Random(20260102);
        for (var i = 0; i < 3000; i++)
        {
            var damaged = (byte[])good.Clone();
            for (var edits = random.Next(1, 4); edits > 0; edits--)
                damaged[random.Next(damaged.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)"0123456789-.e\"{}[]:,\\u"[random.Next(22)];
            try
            {
                CheckRoundTrip(FalconMambaConfig.Parse(damaged, "config.json"));
            }
            catch (MalformedFileException)
            {
            }
        }
    }

    [Fact]
    public void A_large_file_is_not_read()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], new string(' ', (1 << 20) + 1));
        Assert.Throws<MalformedFileException>(() => FalconMambaConfig.FromFile(folder["config.json"]));
    }

    private static FalconMambaConfig Parse(string json) => FalconMambaConfig.Parse(Encoding.UTF8.GetBytes(json), "config.json");

    private static void CheckRoundTrip(FalconMambaConfig config)
    {
        var read = Parse(config.ToJson());
        Assert.Equal(config.EosTokenIds.AsEnumerable(), read.EosTokenIds);
        Assert.Equal(config, read with { EosTokenIds = config.EosTokenIds });
    }
}
