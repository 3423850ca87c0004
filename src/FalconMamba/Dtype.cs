using System.Diagnostics.CodeAnalysis;
using FalconMamba.Formats;

namespace FalconMamba;

/// <summary>The numbers that a model is run with (<c>dtype</c>).</summary>
[SuppressMessage("Naming", "CA1720", Justification = "The names are those that checkpoints and their users know.")]
public enum Dtype
{
    /// <summary>Those of the file: nothing is converted, and the weights are read where they lie.</summary>
    Auto,

    /// <summary>
    /// float32 throughout. Weights of every type become float32 exactly, on their way into the products, so that no copy is
    /// made: it is the activations that are kept from being rounded.
    /// </summary>
    Float32,

    /// <summary>Matrices of float16; those of another type are rounded when the model is loaded, into memory of its own.</summary>
    Float16,

    /// <summary>Matrices of bfloat16; those of another type are rounded when the model is loaded, into memory of its own.</summary>
    BFloat16,
}

/// <summary>What the types of <see cref="Dtype"/> are in a file.</summary>
internal static class Dtypes
{
    /// <summary>The type that matrices must have, or null where they may keep theirs.</summary>
    public static TensorType? Matrices(this Dtype dtype) => dtype switch
    {
        Dtype.Float16 => TensorType.F16,
        Dtype.BFloat16 => TensorType.BF16,
        _ => null,
    };
}
