using FalconMamba.Formats;
using FalconMamba.Model;
using FalconMamba.Quantization;

namespace FalconMamba.Cli.Plan;

/// <summary>What a model takes with weights of one type.</summary>
internal sealed record PlanRow
{
    /// <summary>The type's name, such as Q4_K_M.</summary>
    public required string Type { get; init; }

    /// <summary>What it needs in memory, with one sequence.</summary>
    public required MemoryEstimate Memory { get; init; }

    /// <summary>The bytes of the weights that every token reads: all but the embeddings.</summary>
    public required long ReadWeights { get; init; }

    /// <summary>Multiplications and additions for a token of a prompt.</summary>
    public required double ReadingOperations { get; init; }

    /// <summary>The same for a token that is generated: it has logits too.</summary>
    public required double GeneratingOperations { get; init; }

    /// <summary>The type that most of its products are of.</summary>
    public required TensorType Products { get; init; }

    /// <summary>A model with weights of a type.</summary>
    public static PlanRow Of(FalconMambaConfig config, QuantizationMix mix, ModelOptions options)
    {
        var memory = MemoryEstimate.Of(config, mix, options);
        var type = mix.TypeOf(WeightRole.Embedding, config.HiddenSize).Info();
        var embeddings = config.TieWordEmbeddings ? 0 : (long)config.VocabSize * config.HiddenSize / type.BlockLength * type.BlockBytes;
        return Of(config, mix.Name, mix.Matrices, memory, memory.Weights - embeddings);
    }

    /// <summary>A model as it is.</summary>
    public static PlanRow Of(ModelWeights weights, ModelOptions options)
    {
        var type = weights.Layers[0].InProj.Type;
        var name = QuantizationMix.All.FirstOrDefault(mix => mix.Matrices == type)?.Name ?? type.ToString();
        var embeddings = weights.LmHead == weights.Embeddings ? 0 : weights.Embeddings.ByteLength;
        return Of(weights.Config, name, type, MemoryEstimate.Of(weights, options), weights.ByteLength - embeddings);
    }

    /// <summary>What it needs in memory with so many sequences.</summary>
    public long Bytes(int sequences) => Memory.Total + ((sequences - 1) * Memory.State);

    /// <summary>The bytes that move while each of so many sequences goes on by a token.</summary>
    public long BytesOfStep(int sequences) => ReadWeights + (2 * Memory.State * sequences);

    private static PlanRow Of(FalconMambaConfig config, string name, TensorType products, MemoryEstimate memory, long readWeights)
    {
        double h = config.HiddenSize, d = config.IntermediateSize, r = config.TimeStepRank, n = config.StateSize;
        var reading = 2 * config.NumHiddenLayers * ((2 * d * h) + ((r + (2 * n)) * d) + (d * r) + (h * d));
        return new PlanRow
        {
            Type = name,
            Memory = memory,
            ReadWeights = readWeights,
            ReadingOperations = reading,
            GeneratingOperations = reading + (2 * h * config.VocabSize),
            Products = products,
        };
    }
}
