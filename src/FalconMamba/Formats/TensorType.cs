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

    /// <summary>ggml: 32 codes of 4 bits around 8, one scale.</summary>
    Q4_0,

    /// <summary>ggml: 32 codes of 4 bits, a scale and a minimum.</summary>
    Q4_1,

    /// <summary>ggml: 32 codes of 5 bits around 16, one scale.</summary>
    Q5_0,

    /// <summary>ggml: 32 codes of 5 bits, a scale and a minimum.</summary>
    Q5_1,

    /// <summary>ggml: 32 codes of 8 bits, one scale.</summary>
    Q8_0,

    /// <summary>ggml: 32 codes of 8 bits, a scale and their sum; for activations.</summary>
    Q8_1,

    /// <summary>ggml: 256 codes of 2 bits in groups of 16.</summary>
    Q2_K,

    /// <summary>ggml: 256 codes of 3 bits in groups of 16.</summary>
    Q3_K,

    /// <summary>ggml: 256 codes of 4 bits in groups of 32, each with a scale and a minimum of 6 bits.</summary>
    Q4_K,

    /// <summary>ggml: 256 codes of 5 bits in groups of 32, each with a scale and a minimum of 6 bits.</summary>
    Q5_K,

    /// <summary>ggml: 256 codes of 6 bits around 32 in groups of 16, each with a scale of 8 bits.</summary>
    Q6_K,

    /// <summary>ggml: 256 codes of 8 bits with their sums; for activations.</summary>
    Q8_K,

    /// <summary>ggml: 256 codes of about 2 bits from a code book.</summary>
    IQ2_XXS,

    /// <summary>ggml: 256 codes of about 2.3 bits from a code book.</summary>
    IQ2_XS,

    /// <summary>ggml: 256 codes of about 2.6 bits from a code book.</summary>
    IQ2_S,

    /// <summary>ggml: 256 codes of about 3 bits from a code book.</summary>
    IQ3_XXS,

    /// <summary>ggml: 256 codes of about 3.4 bits from a code book.</summary>
    IQ3_S,

    /// <summary>ggml: 256 codes of about 1.6 bits from a code book.</summary>
    IQ1_S,

    /// <summary>ggml: 256 codes of about 1.8 bits from a code book.</summary>
    IQ1_M,

    /// <summary>ggml: 32 codes of 4 bits into a table of uneven steps.</summary>
    IQ4_NL,

    /// <summary>ggml: 256 codes of 4 bits into a table of uneven steps, in groups of 32.</summary>
    IQ4_XS,

    /// <summary>ggml: 256 codes of three values, five to a byte.</summary>
    TQ1_0,

    /// <summary>ggml: 256 codes of three values, four to a byte.</summary>
    TQ2_0,

    /// <summary>ggml: 32 floating-point numbers of 4 bits with a power of two (OCP MXFP4).</summary>
    MXFP4,

    /// <summary>ggml: 64 floating-point numbers of 4 bits in groups of 16 with a scale of 8 bits (NVFP4).</summary>
    NVFP4,

    /// <summary>ggml: 128 signs, one scale.</summary>
    Q1_0,

    /// <summary>ggml: 64 codes of 2 bits, one scale.</summary>
    Q2_0,
}
