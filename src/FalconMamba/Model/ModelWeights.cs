using FalconMamba.Formats;
using FalconMamba.Formats.Safetensors;

namespace FalconMamba.Model;

/// <summary>
/// The tensors of one layer under the checkpoint's own names. H is the hidden width, D the inner width, N the states a
/// channel, K the convolution's taps, R the rank of dt.
/// </summary>
public sealed record LayerWeights
{
    /// <summary><c>norm.weight</c> [H].</summary>
    public required Tensor Norm { get; init; }

    /// <summary><c>mixer.in_proj.weight</c> [2D, H]: x above z.</summary>
    public required Tensor InProj { get; init; }

    /// <summary><c>mixer.in_proj.bias</c> [2D], where the config says <c>use_bias</c>.</summary>
    public Tensor? InProjBias { get; init; }

    /// <summary><c>mixer.conv1d.weight</c> [D, 1, K].</summary>
    public required Tensor Conv1d { get; init; }

    /// <summary><c>mixer.conv1d.bias</c> [D], where the config says <c>use_conv_bias</c>.</summary>
    public Tensor? Conv1dBias { get; init; }

    /// <summary><c>mixer.x_proj.weight</c> [R + 2N, D]: dt above B above C.</summary>
    public required Tensor XProj { get; init; }

    /// <summary><c>mixer.dt_proj.weight</c> [D, R].</summary>
    public required Tensor DtProj { get; init; }

    /// <summary><c>mixer.dt_proj.bias</c> [D].</summary>
    public required Tensor DtProjBias { get; init; }

    /// <summary><c>mixer.A_log</c> [D, N]; A = −exp(A_log).</summary>
    public required Tensor ALog { get; init; }

    /// <summary><c>mixer.D</c> [D].</summary>
    public required Tensor D { get; init; }

    /// <summary><c>mixer.out_proj.weight</c> [H, D].</summary>
    public required Tensor OutProj { get; init; }

    /// <summary><c>mixer.out_proj.bias</c> [H], where the config says <c>use_bias</c>.</summary>
    public Tensor? OutProjBias { get; init; }
}

/// <summary>
/// All tensors of a model, found by name and checked against the config's shapes. The tensors are read from the mapped
/// files, which live until <see cref="Dispose"/>.
/// </summary>
public sealed class ModelWeights : IDisposable
{
    private readonly IDisposable? _files;

    private ModelWeights(FalconMambaConfig config, IReadOnlyList<Tensor> tensors, IDisposable? files)
    {
        Config = config;
        Tensors = tensors;
        _files = files;
    }

    /// <summary>The model's shape.</summary>
    public FalconMambaConfig Config { get; }

    /// <summary>Every tensor of the model once, ordered by name.</summary>
    public IReadOnlyList<Tensor> Tensors { get; }

    /// <summary><c>backbone.embeddings.weight</c> [vocabulary, H].</summary>
    public required Tensor Embeddings { get; init; }

    /// <summary>The layers, first to last.</summary>
    public required IReadOnlyList<LayerWeights> Layers { get; init; }

    /// <summary><c>backbone.norm_f.weight</c> [H].</summary>
    public required Tensor NormF { get; init; }

    /// <summary><c>lm_head.weight</c> [vocabulary, H]; the embeddings themselves where the config ties them.</summary>
    public required Tensor LmHead { get; init; }

    /// <summary>The number of parameters, tied ones once.</summary>
    public long ParameterCount => Tensors.Sum(tensor => tensor.ElementCount);

    /// <summary>The bytes of all tensors, tied ones once.</summary>
    public long ByteLength => Tensors.Sum(tensor => tensor.ByteLength);

    /// <summary>Opens a checkpoint's folder: <c>config.json</c> and its safetensors files.</summary>
    /// <param name="folder">A folder in Hugging Face layout.</param>
    /// <exception cref="MalformedFileException">A file is malformed; a tensor is missing, extra or misshapen.</exception>
    /// <exception cref="FileNotFoundException">The config or the weights are missing.</exception>
    /// <exception cref="NotSupportedException">The weights are quantised in a way that cannot be read.</exception>
    public static ModelWeights Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var config = FalconMambaConfig.FromFile(Path.Combine(folder, "config.json"));
        var checkpoint = SafetensorsCheckpoint.Open(folder);
        try
        {
            return Bind(config, checkpoint.Tensors, folder, checkpoint);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>Finds the model's tensors among a checkpoint's.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="tensors">Tensors by checkpoint name.</param>
    /// <param name="source">The checkpoint's name, for error messages.</param>
    /// <param name="files">What to dispose with the weights.</param>
    /// <exception cref="MalformedFileException">A tensor is missing, extra, misshapen or of a type that is not computed with.</exception>
    public static ModelWeights Bind(
        FalconMambaConfig config, IReadOnlyDictionary<string, Tensor> tensors, string source, IDisposable? files = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(tensors);
        var binder = new TensorBinder(tensors, source);
        long vocabulary = config.VocabSize, h = config.HiddenSize, d = config.IntermediateSize, n = config.StateSize;
        long rank = config.TimeStepRank, taps = config.ConvKernel;

        // The first state-spaces checkpoints say "embedding"; everyone since says "embeddings".
        var embeddingsName = tensors.ContainsKey("backbone.embedding.weight") ? "backbone.embedding.weight" : "backbone.embeddings.weight";
        var embeddings = binder.Matrix(embeddingsName, vocabulary, h);
        var layers = new LayerWeights[config.NumHiddenLayers];
        for (var i = 0; i < layers.Length; i++)
        {
            var layer = $"backbone.layers.{i}.";
            var mixer = layer + "mixer.";
            layers[i] = new LayerWeights
            {
                Norm = binder.Vector(layer + "norm.weight", h),
                InProj = binder.Matrix(mixer + "in_proj.weight", 2 * d, h),
                InProjBias = config.UseBias ? binder.Vector(mixer + "in_proj.bias", 2 * d) : null,
                Conv1d = binder.Vector(mixer + "conv1d.weight", d, 1, taps),
                Conv1dBias = config.UseConvBias ? binder.Vector(mixer + "conv1d.bias", d) : null,
                XProj = binder.Matrix(mixer + "x_proj.weight", rank + 2 * n, d),
                DtProj = binder.Matrix(mixer + "dt_proj.weight", d, rank),
                DtProjBias = binder.Vector(mixer + "dt_proj.bias", d),
                ALog = binder.Vector(mixer + "A_log", d, n),
                D = binder.Vector(mixer + "D", d),
                OutProj = binder.Matrix(mixer + "out_proj.weight", h, d),
                OutProjBias = config.UseBias ? binder.Vector(mixer + "out_proj.bias", h) : null,
            };
        }

        var normF = binder.Vector("backbone.norm_f.weight", h);
        Tensor lmHead;
        if (config.TieWordEmbeddings)
        {
            // Some writers keep a copy of tied weights; the embeddings are what counts.
            binder.Ignore("lm_head.weight");
            lmHead = embeddings;
        }
        else
        {
            lmHead = binder.Matrix("lm_head.weight", vocabulary, h);
        }

        return new ModelWeights(config, binder.Finish(), files) { Embeddings = embeddings, Layers = layers, NormF = normF, LmHead = lmHead };
    }

    /// <summary>Closes the files; the model must not be used any more.</summary>
    public void Dispose() => _files?.Dispose();
}
