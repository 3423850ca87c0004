namespace FalconMamba.Formats;

/// <summary>How a tensor's elements are stored. The sizes and names of each are in <see cref="TensorTypes"/>.</summary>
public enum TensorType
{
    /// <summary>IEEE 754 binary64.</summary>
    F64,

    /// <summary>IEEE 754 binary32.</summary>
    F32,

    /// <summary>IEEE 754 binary16.</summary>
    F16,

    /// <summary>bfloat16: the upper half of a binary32.</summary>
    BF16,

    /// <summary>Eight bits, four of exponent, three of mantissa, without infinities (the "fn" variant of OCP FP8).</summary>
    F8E4M3,

    /// <summary>Eight bits, five of exponent, two of mantissa: the upper half of a binary16 (OCP FP8).</summary>
    F8E5M2,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>Signed 16-bit integer.</summary>
    I16,

    /// <summary>Signed 8-bit integer.</summary>
    I8,

    /// <summary>Unsigned 64-bit integer.</summary>
    U64,

    /// <summary>Unsigned 32-bit integer.</summary>
    U32,

    /// <summary>Unsigned 16-bit integer.</summary>
    U16,

    /// <summary>Unsigned 8-bit integer; also raw bytes, such as packed 4-bit weights.</summary>
    U8,

    /// <summary>One byte, 0 or 1.</summary>
    Bool,
}
