using FalconMamba.Formats;
using FalconMamba.Formats.Gguf;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Quantization;

namespace FalconMamba.Model;

/// <summary>
/// Writes checkpoints of random weights, in Hugging Face layout or as a GGUF file, for measuring and testing at any size. A
/// weight is a function of seed, tensor and place, so that neither the number of layers nor the threads change it; every
/// plain type, in either layout, rounds the same numbers.
/// </summary>
public static class RandomCheckpoint
{
    private const string Name = "random weights";

    /// <summary>Writes <c>config.json</c> and the weights.</summary>
    /// <param name="folder">The folder; it must exist.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="type">F32, F16 or BF16, for every tensor.</param>
    /// <param name="seed">Another seed gives other weights.</param>
    /// <param name="progress">Told how many bytes of weights are written.</param>
    /// <param name="cancellationToken">Looked at several times a second; the folder then has no <c>config.json</c>.</param>
    /// <returns>The bytes of the weights.</returns>
    /// <exception cref="ArgumentException">Weights cannot be of this type.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public static long Write(
        string folder, FalconMambaConfig config, TensorType type, ulong seed = 0, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(config);
        if (!TensorEncoder.Supports(type)) throw new ArgumentException($"Weights are written as F32, F16 or BF16, not as {type}.", nameof(type));
        config.Checked("config");
        SafetensorsCheckpointWriter.Write(folder, Entries(RandomWeights.Of(config, TensorNames.HuggingFace), _ => type, seed, progress, cancellationToken));
        var dtype = type switch { TensorType.F32 => "float32", TensorType.F16 => "float16", _ => "bfloat16" };
        // Last, so that a folder with a config is a whole checkpoint.
        File.WriteAllText(Path.Combine(folder, "config.json"), (config with { TorchDtype = dtype, WeightsFile = null }).ToJson());
        return ByteLength(config, type);
    }

    /// <summary>Writes a GGUF file without a tokenizer.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="mix">The types of its tensors; weights in blocks are uniform with the deviation of the others.</param>
    /// <param name="seed">Another seed gives other weights.</param>
    /// <param name="progress">Told how many bytes of weights are written.</param>
    /// <param name="cancellationToken">Looked at several times a second; an older file then stays as it was.</param>
    /// <returns>The bytes of the weights.</returns>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public static long Write(
        string path, FalconMambaConfig config, QuantizationMix mix, ulong seed = 0, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(mix);
        config.Checked("config");
        var entries = Entries(RandomWeights.Of(config, TensorNames.Gguf), tensor => TypeOf(tensor, mix), seed, progress, cancellationToken);
        GgufWriter.Write(path, config.ToGguf(Name, mix.FileType), entries);
        return ByteLength(config, mix);
    }

    /// <summary>The bytes that the weights take in a folder.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    public static long ByteLength(FalconMambaConfig config, TensorType type)
    {
        ArgumentNullException.ThrowIfNull(config);
        return RandomWeights.Of(config, TensorNames.HuggingFace).Sum(tensor => tensor.ByteLength(type));
    }

    /// <summary>The bytes that the weights take in a GGUF file.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="mix">The types of its tensors.</param>
    public static long ByteLength(FalconMambaConfig config, QuantizationMix mix)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(mix);
        return RandomWeights.Of(config, TensorNames.Gguf).Sum(tensor => tensor.ByteLength(TypeOf(tensor, mix)));
    }

    private static TensorType TypeOf(RandomTensor tensor, QuantizationMix mix) => mix.TypeOf(tensor.Role, tensor.Shape[^1]);

    private static TensorEntry[] Entries(
        IEnumerable<RandomTensor> tensors, Func<RandomTensor, TensorType> typeOf, ulong seed, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        long written = 0;
        return [.. tensors.Select(tensor => tensor.Entry(typeOf(tensor), seed, bytes => progress?.Report(written += bytes), cancellationToken))];
    }
}
