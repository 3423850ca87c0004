using FalconMamba.Formats;
using FalconMamba.Quantization;

namespace FalconMamba.Benchmarks;

/// <summary>How the weights of a product are stored, and what they are multiplied with.</summary>
/// <param name="Type">The element type.</param>
/// <param name="Exact">For block formats: activations of 32 bits instead of eight.</param>
public sealed record WeightType(TensorType Type, bool Exact)
{
    /// <summary>Every type there is a product for.</summary>
    public static IEnumerable<WeightType> All =>
    [
        .. ((TensorType[])[TensorType.F32, TensorType.F16, TensorType.BF16]).Select(type => new WeightType(type, false)),
        .. BlockFormats.All.Select(format => new WeightType(format.Type, false)),
        .. BlockFormats.All.Select(format => new WeightType(format.Type, true)),
    ];

    /// <summary>What is multiplied.</summary>
    public Products Products => Exact || BlockFormats.Find(Type) is null ? Products.Floats : Products.Bytes;

    /// <inheritdoc/>
    public override string ToString() => Exact ? $"{Type} exact" : Type.ToString();
}
