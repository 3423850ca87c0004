using FalconMamba.Formats;
using FalconMamba.Formats.Gguf;

namespace FalconMamba.Model;

/// <content>Reading and writing the metadata of a GGUF file.</content>
public sealed partial record FalconMambaConfig
{
    private const string Architecture = "mamba";
    // What the converter states, though the architecture has no bound, and the version of the block formats.
    private const int NominalContext = 1 << 20;
    private const uint QuantizationVersion = 2;

    private const string EpsilonKey = Architecture + ".attention.layer_norm_rms_epsilon", MixerEpsilonKey = "falcon_mamba.mixer_rms_eps";

    /// <summary>
    /// Reads the model's shape from metadata, and from the tensors what metadata leaves out: the vocabulary, which biases there
    /// are, and whether the head is the embedding.
    /// </summary>
    /// <param name="file">A file of the architecture <c>mamba</c>.</param>
    /// <exception cref="MalformedFileException">The file is no model of this family.</exception>
    public static FalconMambaConfig FromGguf(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (Required("general.architecture") is var architecture && architecture.ToText() is var name && name != Architecture)
            throw architecture.Fault($"the architecture \"{Architecture}\" was expected, found \"{Excerpt.Of(name)}\"");
        if (!file.Tensors.TryGetValue(TensorNames.Gguf.Embeddings, out var embeddings) || embeddings.Shape.Length != 2 || embeddings.Shape[0] > MostTokens)
            throw new MalformedFileException(file.Path, $"tensor {TensorNames.Gguf.Embeddings}", $"a matrix of at most {MostTokens} rows was expected");

        var layerEpsilon = Required(EpsilonKey).ToDouble();
        var mixerEpsilon = file.Metadata.TryGetValue(MixerEpsilonKey, out var own) ? own.ToDouble() : (double?)null;
        var defaults = new FalconMambaConfig();
        return (defaults with
        {
            ModelType = file.Metadata.TryGetValue($"{Architecture}.ssm.dt_b_c_rms", out var rms) && rms.ToBoolean() ? ModelKind.FalconMamba : ModelKind.Mamba,
            VocabSize = (int)embeddings.Shape[0],
            HiddenSize = Size("embedding_length"),
            IntermediateSize = Size("ssm.inner_size"),
            StateSize = Size("ssm.state_size"),
            NumHiddenLayers = Size("block_count"),
            ConvKernel = Size("ssm.conv_kernel"),
            TimeStepRank = Size("ssm.time_step_rank"),
            LayerNormEpsilon = layerEpsilon,
            MixerRmsEps = mixerEpsilon ?? layerEpsilon,
            MixerRmsEpsSource = mixerEpsilon is null ? EpsilonSource.LayerNormEpsilon : EpsilonSource.MixerKey,
            UseBias = file.Tensors.ContainsKey(TensorNames.Gguf.InProjBias(0)),
            UseConvBias = file.Tensors.ContainsKey(TensorNames.Gguf.Conv1dBias(0)),
            TieWordEmbeddings = !file.Tensors.ContainsKey(TensorNames.Gguf.LmHead),
            BosTokenId = GgufTokens.Bos(file),
            EosTokenIds = GgufTokens.Ends(file),
            PadTokenId = GgufTokens.Pad(file),
        }).Checked(file.Path);

        GgufValue Required(string key) => file.Metadata.TryGetValue(key, out var value)
            ? value
            : throw new MalformedFileException(file.Path, $"key {key}", "the key was expected, it is missing");

        int Size(string key) => Required($"{Architecture}.{key}") is var value && value.ToInt64() is >= 0 and <= int.MaxValue and var size
            ? (int)size
            : throw value.Fault($"a whole number of 31 bits was expected, found {value}");
    }

    /// <summary>
    /// The metadata of a file without a tokenizer, as llama.cpp's converter writes it, and <c>falcon_mamba.mixer_rms_eps</c>.
    /// </summary>
    /// <param name="name">The model's name.</param>
    /// <param name="fileType">The number of the weights' types, <c>general.file_type</c>.</param>
    internal GgufMetadata ToGguf(string name, int fileType)
    {
        var metadata = new GgufMetadata();
        metadata.Add("general.architecture", Architecture);
        metadata.Add("general.type", "model");
        metadata.Add("general.name", name);
        Size("context_length", NominalContext);
        Size("embedding_length", HiddenSize);
        Size("feed_forward_length", 0);
        Size("attention.head_count", 0);
        Size("block_count", NumHiddenLayers);
        Size("ssm.conv_kernel", ConvKernel);
        Size("ssm.inner_size", IntermediateSize);
        Size("ssm.state_size", StateSize);
        Size("ssm.time_step_rank", TimeStepRank);
        metadata.Add(EpsilonKey, (float)LayerNormEpsilon);
        metadata.Add($"{Architecture}.ssm.dt_b_c_rms", NormalizesDtBC);
        metadata.Add(MixerEpsilonKey, (float)MixerRmsEps);
        Size("vocab_size", VocabSize);
        metadata.Add("general.file_type", (uint)fileType);
        metadata.Add("general.quantization_version", QuantizationVersion);
        metadata.Add("tokenizer.ggml.model", "no_vocab");
        return metadata;

        void Size(string key, int value) => metadata.Add($"{Architecture}.{key}", (uint)value);
    }
}
