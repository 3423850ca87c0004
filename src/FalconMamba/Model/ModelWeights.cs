using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using FalconMamba.Formats;
using FalconMamba.Formats.Gguf;
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

    /// <summary>
    /// <c>mixer.A_log</c> [D, N], where A = −exp(A_log); or A itself, which GGUF files store (see <see cref="StoresLogarithmOfA"/>).
    /// </summary>
    public required Tensor ALog { get; init; }

    /// <summary>Whether <see cref="ALog"/> holds A_log rather than A.</summary>
    public bool StoresLogarithmOfA { get; init; } = true;

    /// <summary><c>mixer.D</c> [D].</summary>
    public required Tensor D { get; init; }

    /// <summary><c>mixer.out_proj.weight</c> [H, D].</summary>
    public required Tensor OutProj { get; init; }

    /// <summary><c>mixer.out_proj.bias</c> [H], where the config says <c>use_bias</c>.</summary>
    public Tensor? OutProjBias { get; init; }

    /// <summary>A [D, N], however it is stored.</summary>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public double[] DecodeA()
    {
        var a = new double[ALog.ElementCount];
        CopyATo(0, a);
        return a;
    }

    /// <summary>A run of A's elements, row-major.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void CopyATo(long start, Span<double> destination)
    {
        ALog.CopyTo(start, destination);
        if (!StoresLogarithmOfA) return;
        foreach (ref var a in destination) a = -Math.Exp(a);
    }
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

    /// <summary>Opens a checkpoint: a folder with <c>config.json</c> and safetensors files, or a GGUF file.</summary>
    /// <param name="path">A folder in Hugging Face layout, or a <c>.gguf</c> file.</param>
    /// <exception cref="MalformedFileException">A file is malformed; a tensor is missing, extra, misshapen or of a type that is not computed with.</exception>
    /// <exception cref="FileNotFoundException">The config or the weights are missing.</exception>
    /// <exception cref="NotSupportedException">The weights are quantised in a way that cannot be read.</exception>
    public static ModelWeights Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return File.Exists(path) ? OpenGguf(path) : OpenFolder(path);
    }

    /// <summary>Finds the model's tensors among a checkpoint's in Hugging Face layout.</summary>
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

        // The first state-spaces checkpoints say "embedding"; everyone since says "embeddings".
        var names = tensors.ContainsKey("backbone.embedding.weight")
            ? TensorNames.HuggingFace with { Embeddings = "backbone.embedding.weight" }
            : TensorNames.HuggingFace;
        return Bind(config, new TensorBinder(tensors, source, names.Source), names, files);
    }

    /// <summary>Finds the model's tensors in a GGUF file.</summary>
    /// <param name="file">The file; disposed with the weights.</param>
    /// <exception cref="MalformedFileException">The file is no model of this family; a tensor is missing, extra, misshapen or of a type that is not computed with.</exception>
    public static ModelWeights Bind(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return Bind(FalconMambaConfig.FromGguf(file), new TensorBinder(file.Tensors, file.Path, TensorNames.Gguf.Source), TensorNames.Gguf, file);
    }

    /// <summary>The same model with every matrix in a type, those of another one converted into memory of their own.</summary>
    /// <param name="type">F32, F16 or BF16; numbers are rounded to the nearest.</param>
    /// <param name="cancellationToken">Looked at several times a second.</param>
    /// <returns>These weights themselves if nothing is converted; else others, which own the files from here on.</returns>
    /// <exception cref="InvalidOperationException">A number is too large for the type.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    internal async Task<ModelWeights> ConvertMatricesAsync(TensorType type, CancellationToken cancellationToken)
    {
        var others = Layers.SelectMany(layer => (Tensor[])[layer.InProj, layer.XProj, layer.DtProj, layer.OutProj])
            .Concat([Embeddings, LmHead])
            .Where(tensor => tensor.Type != type)
            .Distinct()
            .ToArray();
        if (others.Length == 0) return this;
        var converted = new ConcurrentDictionary<Tensor, Tensor>();
        await Parallel.ForEachAsync(others, cancellationToken, (tensor, token) =>
        {
            converted[tensor] = TensorConversion.Convert(tensor, type, token);
            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        return new ModelWeights(Config, [.. Tensors.Select(New)], _files)
        {
            Embeddings = New(Embeddings),
            Layers = [.. Layers.Select(layer => layer with { InProj = New(layer.InProj), XProj = New(layer.XProj), DtProj = New(layer.DtProj), OutProj = New(layer.OutProj) })],
            NormF = NormF,
            LmHead = New(LmHead),
        };

        Tensor New(Tensor tensor) => converted.GetValueOrDefault(tensor, tensor);
    }

    private static ModelWeights OpenFolder(string folder)
    {
        var config = FalconMambaConfig.FromFile(Path.Combine(folder, "config.json"));
        if (config.IsQuantized)
        {
            throw new NotSupportedException(
                $"{folder} holds quantised weights ({QuantizationMethod(config)}), which are not read yet: take the model that they were made from, or a GGUF file of it.");
        }

        var checkpoint = SafetensorsCheckpoint.Open(config.WeightsFile is { } name ? Path.Combine(folder, name) : folder);
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

    private static string QuantizationMethod(FalconMambaConfig config)
    {
        var fields = JsonFields.Parse(Encoding.UTF8.GetBytes(config.QuantizationConfig!), "quantization_config");
        var bits = fields.Boolean("load_in_4bit", false) ? $", 4 bits as {Excerpt.Of(fields.String("bnb_4bit_quant_type") ?? "fp4")}" : fields.Boolean("load_in_8bit", false) ? ", 8 bits" : "";
        return $"{Excerpt.Of(fields.String("quant_method") ?? "an unnamed method")}{bits}";
    }

    private static ModelWeights OpenGguf(string path)
    {
        var file = GgufFile.Open(path);
        try
        {
            return Bind(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static ModelWeights Bind(FalconMambaConfig config, TensorBinder binder, TensorNames names, IDisposable? files)
    {
        long vocabulary = config.VocabSize, h = config.HiddenSize, d = config.IntermediateSize, n = config.StateSize;
        long rank = config.TimeStepRank, taps = config.ConvKernel;
        ReadOnlySpan<long> convolution = names.StoresConvolutionAxis ? [d, 1, taps] : [d, taps];

        var embeddings = binder.Matrix(names.Embeddings, vocabulary, h);
        var layers = new LayerWeights[config.NumHiddenLayers];
        for (var i = 0; i < layers.Length; i++)
        {
            layers[i] = new LayerWeights
            {
                Norm = binder.Vector(names.Norm(i), h),
                InProj = binder.Matrix(names.InProj(i), 2 * d, h),
                InProjBias = config.UseBias ? binder.Vector(names.InProjBias(i), 2 * d) : null,
                Conv1d = binder.Vector(names.Conv1d(i), convolution),
                Conv1dBias = config.UseConvBias ? binder.Vector(names.Conv1dBias(i), d) : null,
                XProj = binder.Matrix(names.XProj(i), rank + (2 * n), d),
                DtProj = binder.Matrix(names.DtProj(i), d, rank),
                DtProjBias = binder.Vector(names.DtProjBias(i), d),
                ALog = binder.Vector(names.A(i), d, n),
                StoresLogarithmOfA = names.StoresLogarithmOfA,
                D = binder.Vector(names.D(i), d),
                OutProj = binder.Matrix(names.OutProj(i), h, d),
                OutProjBias = config.UseBias ? binder.Vector(names.OutProjBias(i), h) : null,
            };
        }

        var normF = binder.Vector(names.NormF, h);
        Tensor lmHead;
        if (config.TieWordEmbeddings)
        {
            // Some writers keep a copy of tied weights; the embeddings are what counts.
            binder.Ignore(names.LmHead);
            lmHead = embeddings;
        }
        else
        {
            lmHead = binder.Matrix(names.LmHead, vocabulary, h);
        }

        return new ModelWeights(config, binder.Finish(), files) { Embeddings = embeddings, Layers = layers, NormF = normF, LmHead = lmHead };
    }

    /// <summary>
    /// Has the files read into memory, where they fit: in order, which is the fastest way to read them and leaves them in the
    /// largest pages. Every model does so before its first token; who does it earlier can show how far it is.
    /// </summary>
    /// <param name="progress">Told how many bytes are in memory, of about <see cref="ByteLength"/>.</param>
    /// <param name="cancellationToken">Looked at every 64 MB.</param>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public void ReadIntoMemory(IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        var files = Tensors.Select(tensor => tensor.Owner).OfType<MappedFile>().Distinct().ToArray();
        if (files.Sum(file => file.Length) > GC.GetGCMemoryInfo().TotalAvailableMemoryBytes) return;
        long done = 0;
        foreach (var file in files)
        {
            file.ReadInOrder(bytes => progress?.Report(done + bytes), cancellationToken);
            done += file.Length;
        }
    }

    /// <summary>Closes the files; the model must not be used any more.</summary>
    public void Dispose() => _files?.Dispose();
}
