using FalconMamba.Formats;
using FalconMamba.Kernels;
using FalconMamba.Quantization;

namespace FalconMamba.Model;

/// <summary>What running a model takes, told without loading it.</summary>
public sealed record MemoryEstimate
{
    /// <summary>The kernels' path that would run: amx, emitted, 512, 256, 128 or generic.</summary>
    public required string KernelPath { get; init; }

    /// <summary>The threads that a forward pass would use.</summary>
    public required int Threads { get; init; }

    /// <summary>The tokens of a prompt that would go through the layers together.</summary>
    public required int PrefillChunkSize { get; init; }

    /// <summary>Bytes of the weights, which stay in the mapped files.</summary>
    public required long Weights { get; init; }

    /// <summary>Bytes of the small tensors that are laid out anew for the kernels.</summary>
    public required long Prepared { get; init; }

    /// <summary>Bytes of activations while a long prompt is read.</summary>
    public required long Activations { get; init; }

    /// <summary>Bytes of weights and activations that threads lay out anew while a long prompt is read, and keep.</summary>
    public required long Scratch { get; init; }

    /// <summary>Bytes of one sequence's past, whatever its length.</summary>
    public required long State { get; init; }

    /// <summary>Bytes for one sequence, all together.</summary>
    public long Total => Weights + Prepared + Activations + Scratch + State;

    /// <summary>Counts the bytes for a model.</summary>
    /// <param name="weights">The model's weights; none of their numbers is read.</param>
    /// <param name="options">How it would run; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of bounds.</exception>
    public static MemoryEstimate Of(ModelWeights weights, ModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        var matrices = weights.Layers
            .SelectMany(layer => (Tensor[])[layer.InProj, layer.XProj, layer.DtProj, layer.OutProj])
            .Select(matrix => (matrix.Type, Rows: checked((int)matrix.Shape[0]), Columns: checked((int)matrix.Shape[1])));
        return Of(weights.Config, weights.ByteLength, matrices.Distinct(), options);
    }

    /// <summary>Counts the bytes for a model of which only the shape is known.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="mix">The types of its weights.</param>
    /// <param name="options">How it would run; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of bounds.</exception>
    public static MemoryEstimate Of(FalconMambaConfig config, QuantizationMix mix, ModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(mix);
        int h = config.HiddenSize, d = config.IntermediateSize, r = config.TimeStepRank;
        (int Rows, int Columns)[] matrices = [(2 * d, h), (r + (2 * config.StateSize), d), (d, r), (h, d)];
        // Plain types come as folders, whose small tensors are of that type too.
        var bytes = mix.IsPlain ? RandomCheckpoint.ByteLength(config, mix.Matrices) : RandomCheckpoint.ByteLength(config, mix);
        return Of(config, bytes, matrices.Select(matrix => (mix.TypeOf(WeightRole.Projection, matrix.Columns), matrix.Rows, matrix.Columns)), options);
    }

    private static MemoryEstimate Of(
        FalconMambaConfig config, long weightBytes, IEnumerable<(TensorType Type, int Rows, int Columns)> matrices, ModelOptions? options)
    {
        var checkedOptions = (options ?? new ModelOptions()).Checked();
        var kernels = KernelSet.Create(checkedOptions.Threads, checkedOptions.Exact, checkedOptions.Deterministic);
        var chunk = checkedOptions.PrefillChunkSize;
        long d = RecurrentState.Pad(config.IntermediateSize), h = RecurrentState.Pad(config.HiddenSize);
        long twoD = RecurrentState.Pad(2 * config.IntermediateSize), layers = config.NumHiddenLayers;
        var layer = h + (config.UseBias ? twoD + h : 0) + ((config.ConvKernel + (config.UseConvBias ? 1 : 0)) * d) + (d * (config.StateSize + 2));
        var state = (layers * d * (config.ConvKernel - 1 + config.StateSize)) + config.HiddenSize;
        return new MemoryEstimate
        {
            KernelPath = kernels.Name,
            Threads = kernels.Threads,
            Weights = weightBytes,
            Prepared = ((layers * layer) + h) * sizeof(float),
            PrefillChunkSize = chunk,
            Activations = Workspace.ByteLength(config, chunk),
            Scratch = ScratchBytes(matrices, kernels, chunk),
            State = state * sizeof(float),
        };
    }

    // The head sees a prompt's last token only.
    private static long ScratchBytes(IEnumerable<(TensorType Type, int Rows, int Columns)> matrices, KernelSet kernels, int tokens)
    {
        ProductScratch scratch = default;
        foreach (var (type, rows, columns) in matrices) scratch = scratch.Union(kernels.Scratch(type, rows, columns, tokens));
        return scratch.Inputs + (kernels.Threads * scratch.Panels);
    }
}
