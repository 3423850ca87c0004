using System.Text.Json;
using System.Text.Json.Nodes;
using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;

namespace FalconMamba.Model;

/// <summary>A checkpoint on its way to another type of weights: F32, F16 or BF16, each number rounded to the nearest.</summary>
public sealed class CheckpointConversion : IDisposable
{
    private const string ConfigName = "config.json";

    // What belongs to a model beside its weights and its config.
    private static readonly string[] Companions =
    [
        "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "chat_template.jinja", "README.md",
    ];

    private readonly string _source;
    private readonly TensorType _type;
    private readonly ModelWeights _weights;

    private CheckpointConversion(string source, TensorType type, ModelWeights weights)
    {
        _source = source;
        _type = type;
        _weights = weights;
        ByteLength = weights.ParameterCount * type.Info().BlockBytes;
    }

    /// <summary>The bytes that the weights will take.</summary>
    public long ByteLength { get; }

    /// <summary>Opens and checks a checkpoint.</summary>
    /// <param name="source">Its folder.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <exception cref="ArgumentException">Weights cannot be of this type.</exception>
    /// <exception cref="NotSupportedException">The source is a file.</exception>
    /// <exception cref="MalformedFileException">A file is malformed; a tensor is missing, extra or misshapen.</exception>
    /// <exception cref="FileNotFoundException">The config or the weights are missing.</exception>
    public static CheckpointConversion Open(string source, TensorType type)
    {
        ArgumentException.ThrowIfNullOrEmpty(source);
        if (File.Exists(source)) throw new NotSupportedException($"{source} is a file: only folders in Hugging Face layout are converted.");
        return TensorEncoder.Supports(type)
            ? new CheckpointConversion(source, type, ModelWeights.Open(source))
            : throw new ArgumentException($"Weights are written as F32, F16 or BF16, not as {type}.", nameof(type));
    }

    /// <summary>Writes the checkpoint; tokenizer, templates, card and licence are copied.</summary>
    /// <param name="folder">The folder; it must exist, and be another one than the source.</param>
    /// <param name="progress">Told how many bytes of weights are written.</param>
    /// <param name="cancellationToken">Looked at several times a second; the folder then has no <c>config.json</c>.</param>
    /// <exception cref="InvalidOperationException">A number is too large for the type.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public void Write(string folder, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        long written = 0;
        var entries = _weights.Tensors.Select(tensor => new TensorEntry(tensor.Name, _type, tensor.Shape, stream =>
            TensorConversion.Write(tensor, _type, stream, bytes => progress?.Report(written += bytes), cancellationToken))).ToArray();
        SafetensorsCheckpointWriter.Write(folder, entries);
        foreach (var name in Companions.Concat(ModelLicence.Read(_source).Files))
            if (Path.Combine(_source, name) is var path && File.Exists(path)) File.WriteAllBytes(Path.Combine(folder, name), File.ReadAllBytes(path));
        // Last, so that a folder with a config is a whole checkpoint.
        File.WriteAllText(Path.Combine(folder, ConfigName), Config());
    }

    /// <summary>Closes the source's files.</summary>
    public void Dispose() => _weights.Dispose();

    // The source's own text, so that keys unknown here go along.
    private string Config()
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(_source, ConfigName)))!.AsObject();
        json.Remove("torch_dtype");
        json.Remove("transformers_weights");
        json["dtype"] = _type switch { TensorType.F32 => "float32", TensorType.F16 => "float16", _ => "bfloat16" };
        return json.ToJsonString(new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n";
    }
}
