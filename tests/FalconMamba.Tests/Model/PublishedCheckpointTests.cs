using System.Text.Json.Nodes;
using FalconMamba.Formats;
using FalconMamba.Generation;
using FalconMamba.Model;

namespace FalconMamba.Tests.Model;

/// <summary>
/// The small files of the published checkpoints as they stand, but for their sizes, beside tiny weights: each must load and run.
/// </summary>
public class PublishedCheckpointTests
{
    private const string Common = """
        "architectures": ["FalconMambaForCausalLM"], "conv_kernel": 4, "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.1,
        "intermediate_size": 8192, "layer_norm_epsilon": 1e-05, "model_type": "falcon_mamba", "num_hidden_layers": 64, "rescale_prenorm_residual": false,
        "residual_in_fp32": true, "state_size": 16, "tie_word_embeddings": false, "time_step_floor": 0.0001, "time_step_init_scheme": "random",
        "time_step_max": 0.1, "time_step_min": 0.001, "time_step_rank": 256, "time_step_scale": 1.0, "use_bias": false, "use_cache": true,
        "use_conv_bias": true, "vocab_size": 65024
        """;

    private const string Fp4 = """
        "quantization_config": { "_load_in_4bit": true, "_load_in_8bit": false, "bnb_4bit_compute_dtype": "float32",
          "bnb_4bit_quant_storage": "uint8", "bnb_4bit_quant_type": "fp4", "bnb_4bit_use_double_quant": false,
          "llm_int8_enable_fp32_cpu_offload": false, "llm_int8_has_fp16_weight": false, "llm_int8_skip_modules": null,
          "llm_int8_threshold": 6.0, "load_in_4bit": true, "load_in_8bit": false, "quant_method": "bitsandbytes" }
        """;

    private static readonly (string Name, string Config, string Generation, double Epsilon, int[] End)[] Published =
    [
        ("base, written by transformers 4.43",
            """ "_name_or_path": "./", "bos_token_id": 0, "eos_token_id": 11, "expand": 16, "pad_token_id": 11, "torch_dtype": "bfloat16", "transformers_version": "4.43.0.dev0" """,
            """{"_from_model_config": true, "bos_token_id": 0, "eos_token_id": 11, "pad_token_id": 11, "transformers_version": "4.43.0.dev0"}""", 1e-6, [11]),
        ("instruct, written by transformers 4.44",
            """ "bos_token_id": 8, "eos_token_id": 11, "expand": 16, "pad_token_id": 11, "torch_dtype": "bfloat16", "transformers_version": "4.44.0.dev0" """,
            """{"_from_model_config": true, "bos_token_id": 8, "eos_token_id": [11, 10], "pad_token_id": 0, "transformers_version": "4.44.0.dev0"}""", 1e-6, [11, 10]),
        ("pre-decay, written by transformers 4.45",
            """ "bos_token_id": 0, "eos_token_id": 0, "expand": 16, "mixer_rms_eps": 1e-06, "pad_token_id": 0, "torch_dtype": "bfloat16", "transformers_version": "4.45.1", "use_mambapy": false """,
            """{"_from_model_config": true, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0, "transformers_version": "4.45.1"}""", 1e-6, [0]),
        ("Falcon3-Mamba",
            """ "bos_token_id": 0, "eos_token_id": 11, "expand": 2, "mixer_rms_eps": 1e-05, "pad_token_id": 11, "torch_dtype": "bfloat16", "use_mambapy": false """,
            """{"_from_model_config": true, "bos_token_id": 0, "eos_token_id": 11, "pad_token_id": 11}""", 1e-5, [11]),
        ("as transformers 5 writes the base",
            """ "bos_token_id": 0, "eos_token_id": 11, "dtype": "bfloat16", "expand": 16, "mixer_rms_eps": 1e-06, "pad_token_id": 11, "transformers_version": "5.23.0", "transformers_weights": null, "use_associative_scan": true, "use_falcon_mambapy": false, "use_mambapy": false """,
            """{"_from_model_config": true, "bos_token_id": 0, "eos_token_id": 11, "output_attentions": false, "output_hidden_states": false, "pad_token_id": 11, "transformers_version": "5.23.0", "use_cache": true}""", 1e-6, [11]),
    ];

    public static TheoryData<string> Names => [.. Published.Select(published => published.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_published_checkpoint_loads_and_runs(string name)
    {
        var (_, own, generation, epsilon, end) = Published.Single(published => published.Name == name);
        using var folder = new TemporaryFolder();
        Write(folder, $"{{ {own}, {Common} }}", generation);
        using (var model = FalconMambaModel.Load(folder.Root))
        {
            Assert.Equal((ModelKind.FalconMamba, 128, epsilon, "bfloat16", false), (model.Config.ModelType, model.Config.IntermediateSize, model.Config.MixerRmsEps, model.Config.TorchDtype, model.Config.TieWordEmbeddings));
            using var state = model.CreateState();
            var logits = new float[model.Config.VocabSize];
            model.Forward([new Chunk(state, new[] { 1, 2, 3 }) { Logits = RowSelection.Last }], logits);
            Assert.All(logits, logit => Assert.True(float.IsFinite(logit)));
        }

        Assert.Equal(end, GenerationConfig.FromFile(folder["generation_config.json"]).EosTokenIds);
    }

    [Theory]
    [InlineData("""{"bos_token_id": 0, "eos_token_id": 11, "pad_token_id": 11, "transformers_version": "4.43.0.dev0"}""", "tiiuae/falcon-mamba-7b", 11)]
    [InlineData("""{"bos_token_id": 8, "eos_token_id": [11, 10], "pad_token_id": 0, "transformers_version": "4.45.0.dev0"}""", "tiiuae/falcon-mamba-7b-instruct", 0)]
    public void Four_bits_are_recognised_and_refused_in_one_sentence(string generation, string origin, int padding)
    {
        using var folder = new TemporaryFolder();
        Write(folder, $$"""{ "_name_or_path": "{{origin}}", "bos_token_id": 0, "eos_token_id": 11, "expand": 16, "pad_token_id": {{padding}}, {{Fp4}}, "torch_dtype": "float16", "use_mambapy": false, {{Common}} }""", generation);
        var config = FalconMambaConfig.FromFile(folder["config.json"]);
        Assert.Equal((true, padding, "float16"), (config.IsQuantized, config.PadTokenId, config.TorchDtype));
        Assert.Equal("fp4", JsonNode.Parse(config.QuantizationConfig!)!["bnb_4bit_quant_type"]!.GetValue<string>());
        var error = Assert.Throws<NotSupportedException>(() => FalconMambaModel.Load(folder.Root));
        Assert.Contains("bitsandbytes, 4 bits as fp4", error.Message, StringComparison.Ordinal);
        Assert.Contains("GGUF", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_names_of_the_same_settings_are_read()
    {
        using var folder = new TemporaryFolder();
        Write(folder, $"{{ {Common} }}", "{}");
        var text = JsonNode.Parse(File.ReadAllText(folder["config.json"]))!.AsObject();
        foreach (var (name, other) in (ReadOnlySpan<(string, string)>)[
            ("hidden_size", "d_model"), ("intermediate_size", "d_inner"), ("state_size", "d_state"), ("conv_kernel", "d_conv"),
            ("time_step_rank", "dt_rank"), ("layer_norm_epsilon", "rms_norm_eps"), ("num_hidden_layers", "n_layer")])
        {
            text[other] = text[name]!.DeepClone();
            text.Remove(name);
        }

        var expected = FalconMambaConfig.FromFile(folder["config.json"]);
        Assert.Equal(expected.ToJson(), FalconMambaConfig.Parse(System.Text.Encoding.UTF8.GetBytes(text.ToJsonString()), "config.json").ToJson());
        text.Remove("model_type");
        text["hidden_size"] = 64;
        text.Remove("d_model");
        Assert.Equal(ModelKind.FalconMamba, FalconMambaConfig.Parse(System.Text.Encoding.UTF8.GetBytes(text.ToJsonString()), "config.json").ModelType);
    }

    [Fact]
    public void Weights_of_another_name_are_found_where_the_config_names_them()
    {
        using var folder = new TemporaryFolder();
        Write(folder, $$"""{ "transformers_weights": "consolidated.safetensors", {{Common}} }""", "{}");
        File.Move(folder["model.safetensors"], folder["consolidated.safetensors"]);
        FalconMambaModel.Load(folder.Root).Dispose();
        using (var conversion = CheckpointConversion.Open(folder.Root, TensorType.F32)) conversion.Write(Directory.CreateDirectory(folder["out"]).FullName);
        FalconMambaModel.Load(folder["out"]).Dispose();
        File.WriteAllText(folder["config.json"], File.ReadAllText(folder["config.json"]).Replace("consolidated", "../out/model", StringComparison.Ordinal));
        Assert.Contains("transformers_weights", Assert.Throws<MalformedFileException>(() => FalconMambaModel.Load(folder.Root)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_with_pickled_weights_only_says_what_to_do()
    {
        using var folder = new TemporaryFolder();
        Write(folder, $"{{ {Common} }}", "{}");
        File.Move(folder["model.safetensors"], folder["pytorch_model.bin"]);
        Assert.Contains("save_pretrained", Assert.Throws<FileNotFoundException>(() => FalconMambaModel.Load(folder.Root)).Message, StringComparison.Ordinal);
    }

    // The published text with tiny sizes, and weights that fit it.
    private static void Write(TemporaryFolder folder, string config, string generation)
    {
        var text = JsonNode.Parse(config)!.AsObject();
        foreach (var (key, size) in (ReadOnlySpan<(string, int)>)[("hidden_size", 64), ("intermediate_size", 128), ("num_hidden_layers", 2), ("time_step_rank", 4), ("vocab_size", 96)]) text[key] = size;
        var shape = text.DeepClone().AsObject();
        shape.Remove("quantization_config");
        RandomCheckpoint.Write(folder.Root, FalconMambaConfig.Parse(System.Text.Encoding.UTF8.GetBytes(shape.ToJsonString()), "config.json"), TensorType.BF16);
        File.WriteAllText(folder["config.json"], text.ToJsonString());
        File.WriteAllText(folder["generation_config.json"], generation);
    }
}
