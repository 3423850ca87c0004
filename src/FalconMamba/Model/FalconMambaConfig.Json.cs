using System.Text;
using System.Text.Json;
using FalconMamba.Formats;

namespace FalconMamba.Model;

/// <content>Reading and writing <c>config.json</c>.</content>
public sealed partial record FalconMambaConfig
{
    private const string WeightsKey = "transformers_weights";

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="MalformedFileException">The file is no configuration of a model of this family.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static FalconMambaConfig FromFile(string path) => Parse(JsonFields.ReadFile(path), path);

    /// <summary>
    /// Reads the text of a <c>config.json</c>: that of transformers, or the short one of the original Mamba checkpoints
    /// (<c>d_model</c>, <c>n_layer</c>, <c>ssm_cfg</c>).
    /// </summary>
    /// <param name="json">The text, UTF-8.</param>
    /// <param name="fileName">Named in errors.</param>
    /// <exception cref="MalformedFileException">The text is no configuration of a model of this family.</exception>
    public static FalconMambaConfig Parse(ReadOnlySpan<byte> json, string fileName)
    {
        var fields = JsonFields.Parse(json, fileName);
        var config = !fields.Has("model_type") && fields.Has("d_model") ? FromOriginal(fields) : FromTransformers(fields);
        return config.Checked(fileName);
    }

    /// <summary>The configuration as the text of a <c>config.json</c> that transformers reads too.</summary>
    public string ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteStartArray("architectures");
            json.WriteStringValue(ModelType == ModelKind.FalconMamba ? "FalconMambaForCausalLM" : "MambaForCausalLM");
            json.WriteEndArray();
            WriteOptional(json, "bos_token_id", BosTokenId);
            json.WriteNumber("conv_kernel", ConvKernel);
            if (TorchDtype is not null) json.WriteString("dtype", TorchDtype);
            WriteEndTokens(json);
            // Some readers still derive the width from it, so it is written where it is true.
            if (IntermediateSize % HiddenSize == 0) json.WriteNumber("expand", IntermediateSize / HiddenSize);
            json.WriteString("hidden_act", "silu");
            json.WriteNumber("hidden_size", HiddenSize);
            json.WriteNumber("initializer_range", InitializerRange);
            json.WriteNumber("intermediate_size", IntermediateSize);
            json.WriteNumber("layer_norm_epsilon", LayerNormEpsilon);
            json.WriteNumber("mixer_rms_eps", MixerRmsEps);
            json.WriteString("model_type", ModelType == ModelKind.FalconMamba ? "falcon_mamba" : "mamba");
            json.WriteNumber("num_hidden_layers", NumHiddenLayers);
            WriteOptional(json, "pad_token_id", PadTokenId);
            if (QuantizationConfig is not null)
            {
                json.WritePropertyName("quantization_config");
                json.WriteRawValue(QuantizationConfig);
            }

            json.WriteBoolean("rescale_prenorm_residual", RescalePrenormResidual);
            json.WriteBoolean("residual_in_fp32", true);
            json.WriteNumber("state_size", StateSize);
            json.WriteBoolean("tie_word_embeddings", TieWordEmbeddings);
            json.WriteNumber("time_step_floor", TimeStepFloor);
            json.WriteNumber("time_step_max", TimeStepMax);
            json.WriteNumber("time_step_min", TimeStepMin);
            json.WriteNumber("time_step_rank", TimeStepRank);
            json.WriteNumber("time_step_scale", TimeStepScale);
            if (WeightsFile is not null) json.WriteString(WeightsKey, WeightsFile);
            json.WriteBoolean("use_bias", UseBias);
            json.WriteBoolean("use_conv_bias", UseConvBias);
            json.WriteNumber("vocab_size", VocabSize);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n";
    }

    private static FalconMambaConfig FromTransformers(JsonFields fields)
    {
        var kind = Kind(fields);
        if (fields.String("hidden_act") is { } act and not ("silu" or "swish"))
            throw fields.Fault("hidden_act", $"silu was expected, found {Excerpt.Of(act)}");

        var defaults = new FalconMambaConfig();
        var hiddenSize = Size("hidden_size", "d_model") ?? defaults.HiddenSize;
        return new FalconMambaConfig
        {
            ModelType = kind,
            VocabSize = fields.Int32("vocab_size", defaults.VocabSize),
            HiddenSize = hiddenSize,
            IntermediateSize = Size("intermediate_size", "d_inner") ?? Expand(fields, hiddenSize),
            StateSize = Size("state_size", "d_state") ?? defaults.StateSize,
            NumHiddenLayers = Size("num_hidden_layers", "n_layer") ?? defaults.NumHiddenLayers,
            ConvKernel = Size("conv_kernel", "d_conv") ?? defaults.ConvKernel,
            TimeStepRank = Rank(fields, fields.Has("time_step_rank") ? "time_step_rank" : "dt_rank", hiddenSize),
            LayerNormEpsilon = fields.OptionalDouble("layer_norm_epsilon") ?? fields.Double("rms_norm_eps", defaults.LayerNormEpsilon),
            MixerRmsEps = fields.Double("mixer_rms_eps", defaults.MixerRmsEps),
            UseBias = fields.Boolean("use_bias", defaults.UseBias),
            UseConvBias = fields.Boolean("use_conv_bias", defaults.UseConvBias),
            TieWordEmbeddings = fields.Boolean("tie_word_embeddings", defaults.TieWordEmbeddings),
            BosTokenId = fields.TokenId("bos_token_id", defaults.BosTokenId),
            EosTokenIds = fields.TokenIds("eos_token_id", defaults.EosTokenIds),
            PadTokenId = fields.TokenId("pad_token_id", defaults.PadTokenId),
            TorchDtype = fields.String("dtype") ?? fields.String("torch_dtype"),
            InitializerRange = fields.Double("initializer_range", defaults.InitializerRange),
            TimeStepMin = fields.Double("time_step_min", defaults.TimeStepMin),
            TimeStepMax = fields.Double("time_step_max", defaults.TimeStepMax),
            TimeStepFloor = fields.Double("time_step_floor", defaults.TimeStepFloor),
            TimeStepScale = fields.Double("time_step_scale", defaults.TimeStepScale),
            RescalePrenormResidual = fields.Boolean("rescale_prenorm_residual", defaults.RescalePrenormResidual),
            QuantizationConfig = fields.Raw("quantization_config"),
            WeightsFile = Weights(fields),
        };

        // The second name is that of the original authors, which converters have left in some files.
        int? Size(string key, string alias) => fields.OptionalInt32(key) ?? fields.OptionalInt32(alias);
    }

    // Some writers name only the class.
    private static ModelKind Kind(JsonFields fields) => (fields.String("model_type"), fields.Raw("architectures") ?? "") switch
    {
        ("falcon_mamba", _) => ModelKind.FalconMamba,
        ("mamba", _) => ModelKind.Mamba,
        (null, var classes) when classes.Contains("\"FalconMambaForCausalLM\"", StringComparison.Ordinal) => ModelKind.FalconMamba,
        (null, var classes) when classes.Contains("\"MambaForCausalLM\"", StringComparison.Ordinal) => ModelKind.Mamba,
        (null, _) => throw fields.Fault("model_type", "falcon_mamba or mamba was expected, the key is missing"),
        var (other, _) => throw fields.Fault("model_type", $"falcon_mamba or mamba was expected, found {Excerpt.Of(other)}"),
    };

    private static string? Weights(JsonFields fields)
    {
        if (fields.String(WeightsKey) is not { } name) return null;
        return Path.GetFileName(name) == name && (name.EndsWith(".safetensors", StringComparison.Ordinal) || name.EndsWith(".safetensors.index.json", StringComparison.Ordinal))
            ? name
            : throw fields.Fault(WeightsKey, $"the name of a safetensors file or its index was expected, found {Excerpt.Of(name)}");
    }

    // The configuration of the original authors' checkpoints, before transformers knew the model.
    private static FalconMambaConfig FromOriginal(JsonFields fields)
    {
        var defaults = new FalconMambaConfig();
        var ssm = fields.Object("ssm_cfg") ?? JsonFields.Parse("{}"u8, "");
        if (ssm.String("layer") is { } layer and not "Mamba1") throw ssm.Fault("layer", $"Mamba1 was expected, found {Excerpt.Of(layer)}");
        if (!fields.Boolean("rms_norm", true)) throw fields.Fault("rms_norm", "true was expected, layer norms with a mean are not read");
        if (fields.Int32("d_intermediate", 0) != 0) throw fields.Fault("d_intermediate", "0 was expected, blocks with an MLP are not read");
        var hiddenSize = fields.Int32("d_model", 0);
        return defaults with
        {
            ModelType = ModelKind.Mamba,
            VocabSize = PadVocabulary(fields),
            HiddenSize = hiddenSize,
            IntermediateSize = Expand(ssm, hiddenSize),
            StateSize = ssm.Int32("d_state", defaults.StateSize),
            NumHiddenLayers = fields.Int32("n_layer", 0),
            ConvKernel = ssm.Int32("d_conv", defaults.ConvKernel),
            TimeStepRank = Rank(ssm, "dt_rank", hiddenSize),
            UseBias = ssm.Boolean("bias", defaults.UseBias),
            UseConvBias = ssm.Boolean("conv_bias", defaults.UseConvBias),
            TieWordEmbeddings = fields.Boolean("tie_embeddings", true),
        };
    }

    private static int PadVocabulary(JsonFields fields)
    {
        var size = fields.Int32("vocab_size", 0);
        var multiple = fields.Int32("pad_vocab_size_multiple", 8);
        if (size < 1 || size > MostTokens || multiple < 1 || multiple > MostTokens)
            throw fields.Fault("vocab_size", $"a size and a multiple from 1 to {MostTokens} were expected, found {size} and {multiple}");
        return (int)(((long)size + multiple - 1) / multiple * multiple);
    }

    // Only where the width itself is not given: published files hold an expand that is not true.
    private static int Expand(JsonFields fields, int hiddenSize)
    {
        var width = fields.Double("expand", 2) * hiddenSize;
        return width is >= 1 and <= WidestInner ? (int)width : throw fields.Fault("expand", $"a width from 1 to {WidestInner} was expected, expand × hidden_size is {width:R}");
    }

    private static int Rank(JsonFields fields, string key, int hiddenSize)
    {
        if (!fields.IsString(key)) return fields.Int32(key, DefaultTimeStepRank(hiddenSize));
        return fields.String(key) == "auto"
            ? DefaultTimeStepRank(hiddenSize)
            : throw fields.Fault(key, "a number or \"auto\" was expected");
    }

    private static void WriteOptional(Utf8JsonWriter json, string key, int? value)
    {
        if (value is { } number) json.WriteNumber(key, number);
        else json.WriteNull(key);
    }

    private void WriteEndTokens(Utf8JsonWriter json)
    {
        if (EosTokenIds.Length < 2)
        {
            WriteOptional(json, "eos_token_id", EosTokenIds.IsEmpty ? null : EosTokenIds[0]);
            return;
        }

        json.WriteStartArray("eos_token_id");
        foreach (var id in EosTokenIds) json.WriteNumberValue(id);
        json.WriteEndArray();
    }
}
