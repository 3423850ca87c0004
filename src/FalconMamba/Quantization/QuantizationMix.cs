using System.Collections.Immutable;
using FalconMamba.Formats;

namespace FalconMamba.Quantization;

/// <summary>
/// What a name such as Q4_K_M stands for: which tensor of a GGUF file gets which type. The choices are those of llama.cpp's
/// quantizer, so that a file has the size that its name promises.
/// </summary>
/// <remarks>An M tells other files, of models with attention, from S and L; in a Mamba it chooses nothing.</remarks>
/// <param name="Name">The name.</param>
/// <param name="FileType">Its number, which files state as <c>general.file_type</c>.</param>
/// <param name="Matrices">The type of a layer's matrices and of the embedding.</param>
/// <param name="Head">The type of the head.</param>
public sealed record QuantizationMix(string Name, int FileType, TensorType Matrices, TensorType Head)
{
    /// <summary>Every mix, largest first.</summary>
    public static ImmutableArray<QuantizationMix> All { get; } =
    [
        new("F32", 0, TensorType.F32, TensorType.F32),
        new("BF16", 32, TensorType.BF16, TensorType.BF16),
        new("F16", 1, TensorType.F16, TensorType.F16),
        new("Q8_0", 7, TensorType.Q8_0, TensorType.Q8_0),
        new("Q6_K", 18, TensorType.Q6_K, TensorType.Q6_K),
        new("Q5_K_M", 17, TensorType.Q5_K, TensorType.Q6_K),
        new("Q4_K_M", 15, TensorType.Q4_K, TensorType.Q6_K),
        new("Q4_0", 2, TensorType.Q4_0, TensorType.Q6_K),
    ];

    /// <summary>Whether its matrices are plain numbers, which checkpoints in Hugging Face layout hold too.</summary>
    public bool IsPlain => Matrices.Info().BlockLength == 1;

    /// <summary>The mix of a name in any case, or null.</summary>
    /// <param name="name">Such as Q4_K_M.</param>
    public static QuantizationMix? Find(string name) => All.FirstOrDefault(mix => mix.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The type of a tensor.</summary>
    /// <param name="role">What the tensor is.</param>
    /// <param name="rowLength">Its last dimension; a type whose blocks do not divide it gives way to another.</param>
    public TensorType TypeOf(WeightRole role, long rowLength) => role switch
    {
        WeightRole.Small => TensorType.F32,
        WeightRole.Head => Fitting(Head, rowLength),
        _ => Fitting(Matrices, rowLength),
    };

    // Rows that no block of 256 fits get a type of 32 with a bit more of precision, others that none of 32 fits half floats.
    private static TensorType Fitting(TensorType type, long rowLength) => rowLength % type.Info().BlockLength == 0 ? type : type switch
    {
        TensorType.Q4_K => Fitting(TensorType.Q5_0, rowLength),
        TensorType.Q5_K => Fitting(TensorType.Q5_1, rowLength),
        TensorType.Q6_K => Fitting(TensorType.Q8_0, rowLength),
        _ => TensorType.F16,
    };
}
