namespace FalconMamba.Formats.Gguf;

/// <summary>The types of GGUF metadata, with the numbers the format gives them.</summary>
public enum GgufValueType
{
    /// <summary>Unsigned 8-bit integer.</summary>
    U8 = 0,

    /// <summary>Signed 8-bit integer.</summary>
    I8 = 1,

    /// <summary>Unsigned 16-bit integer.</summary>
    U16 = 2,

    /// <summary>Signed 16-bit integer.</summary>
    I16 = 3,

    /// <summary>Unsigned 32-bit integer.</summary>
    U32 = 4,

    /// <summary>Signed 32-bit integer.</summary>
    I32 = 5,

    /// <summary>IEEE 754 binary32.</summary>
    F32 = 6,

    /// <summary>One byte, 0 for false.</summary>
    Bool = 7,

    /// <summary>A length of 64 bits and as many bytes, by convention UTF-8.</summary>
    Text = 8,

    /// <summary>An element type, a count of 64 bits, and the elements.</summary>
    Array = 9,

    /// <summary>Unsigned 64-bit integer.</summary>
    U64 = 10,

    /// <summary>Signed 64-bit integer.</summary>
    I64 = 11,

    /// <summary>IEEE 754 binary64.</summary>
    F64 = 12,
}
