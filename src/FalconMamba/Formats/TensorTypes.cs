using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace FalconMamba.Formats;

/// <summary>One row of the table of element types.</summary>
/// <param name="Type">The type the row describes.</param>
/// <param name="SafetensorsName">Its <c>dtype</c> in a safetensors header, or null where that format has none.</param>
/// <param name="BlockLength">How many elements are stored together; 1 for plain types.</param>
/// <param name="BlockBytes">How many bytes such a block takes.</param>
/// <param name="GgufId">Its number in a GGUF tensor table, or null where that format has none.</param>
public sealed record TensorTypeInfo(TensorType Type, string? SafetensorsName, int BlockLength, int BlockBytes, int? GgufId = null);

/// <summary>
/// The table of element types: names, block lengths, bytes. Types that are only measured, so that a reader can name and
/// pass over them, have a row too.
/// </summary>
public static class TensorTypes
{
    private static readonly TensorTypeInfo[] Table =
    [
        new(TensorType.F64, "F64", 1, 8, 28),
        new(TensorType.F32, "F32", 1, 4, 0),
        new(TensorType.F16, "F16", 1, 2, 1),
        new(TensorType.BF16, "BF16", 1, 2, 30),
        new(TensorType.F8E4M3, "F8_E4M3", 1, 1),
        new(TensorType.F8E5M2, "F8_E5M2", 1, 1),
        new(TensorType.I64, "I64", 1, 8, 27),
        new(TensorType.I32, "I32", 1, 4, 26),
        new(TensorType.I16, "I16", 1, 2, 25),
        new(TensorType.I8, "I8", 1, 1, 24),
        new(TensorType.U64, "U64", 1, 8),
        new(TensorType.U32, "U32", 1, 4),
        new(TensorType.U16, "U16", 1, 2),
        new(TensorType.U8, "U8", 1, 1),
        new(TensorType.Bool, "BOOL", 1, 1),
        new(TensorType.Q4_0, null, 32, 18, 2),
        new(TensorType.Q4_1, null, 32, 20, 3),
        new(TensorType.Q5_0, null, 32, 22, 6),
        new(TensorType.Q5_1, null, 32, 24, 7),
        new(TensorType.Q8_0, null, 32, 34, 8),
        new(TensorType.Q8_1, null, 32, 36, 9),
        new(TensorType.Q2_K, null, 256, 84, 10),
        new(TensorType.Q3_K, null, 256, 110, 11),
        new(TensorType.Q4_K, null, 256, 144, 12),
        new(TensorType.Q5_K, null, 256, 176, 13),
        new(TensorType.Q6_K, null, 256, 210, 14),
        new(TensorType.Q8_K, null, 256, 292, 15),
        new(TensorType.IQ2_XXS, null, 256, 66, 16),
        new(TensorType.IQ2_XS, null, 256, 74, 17),
        new(TensorType.IQ2_S, null, 256, 82, 22),
        new(TensorType.IQ3_XXS, null, 256, 98, 18),
        new(TensorType.IQ3_S, null, 256, 110, 21),
        new(TensorType.IQ1_S, null, 256, 50, 19),
        new(TensorType.IQ1_M, null, 256, 56, 29),
        new(TensorType.IQ4_NL, null, 32, 18, 20),
        new(TensorType.IQ4_XS, null, 256, 136, 23),
        new(TensorType.TQ1_0, null, 256, 54, 34),
        new(TensorType.TQ2_0, null, 256, 66, 35),
        new(TensorType.MXFP4, null, 32, 17, 39),
        new(TensorType.NVFP4, null, 64, 36, 40),
        new(TensorType.Q1_0, null, 128, 18, 41),
        new(TensorType.Q2_0, null, 64, 18, 42),
    ];

    private static readonly TensorTypeInfo[] ByType = [.. Table.OrderBy(row => row.Type)];

    /// <summary>Every row, in the order of the table.</summary>
    public static IReadOnlyList<TensorTypeInfo> All => Table;

    /// <summary>The row of a type.</summary>
    /// <param name="type">A type of the table.</param>
    /// <exception cref="ArgumentOutOfRangeException">The table has no such type.</exception>
    public static TensorTypeInfo Info(this TensorType type) =>
        (uint)type < (uint)ByType.Length ? ByType[(int)type] : throw new ArgumentOutOfRangeException(nameof(type), type, "unknown tensor type");

    /// <summary>
    /// Counts elements and bytes of a shape; false where a dimension is negative, a product does not fit 64 bits, or the
    /// last dimension is no whole number of blocks.
    /// </summary>
    /// <param name="type">The element type.</param>
    /// <param name="shape">The dimensions, outermost first; empty for a scalar.</param>
    /// <param name="elementCount">The product of the dimensions, 1 for a scalar.</param>
    /// <param name="byteLength">The bytes they take.</param>
    public static bool TryMeasure(TensorType type, ReadOnlySpan<long> shape, out long elementCount, out long byteLength)
    {
        var info = type.Info();
        elementCount = 1;
        byteLength = 0;
        foreach (var dimension in shape)
        {
            if (dimension < 0) return false;
            // Each partial product must fit, also where a later dimension is 0: an overflow is never a valid shape.
            var product = Math.BigMul((ulong)elementCount, (ulong)dimension);
            if (product > (ulong)long.MaxValue) return false;
            elementCount = (long)(ulong)product;
        }

        if (elementCount % info.BlockLength != 0 || (shape.Length > 0 && shape[^1] % info.BlockLength != 0)) return false;
        var blocks = elementCount / info.BlockLength;
        if (blocks > long.MaxValue / info.BlockBytes) return false;
        byteLength = blocks * info.BlockBytes;
        return true;
    }

    /// <summary>Finds the row of a GGUF type number.</summary>
    internal static bool TryGetGgufType(uint id, [NotNullWhen(true)] out TensorTypeInfo? info)
    {
        info = Array.Find(Table, row => row.GgufId is { } known && known == id);
        return info is not null;
    }

    /// <summary>Finds the row whose safetensors name is the reader's current string, without creating a string.</summary>
    internal static bool TryGetSafetensorsType(ref Utf8JsonReader reader, [NotNullWhen(true)] out TensorTypeInfo? info)
    {
        foreach (var row in Table)
        {
            if (row.SafetensorsName is null || !reader.ValueTextEquals(row.SafetensorsName)) continue;
            info = row;
            return true;
        }

        info = null;
        return false;
    }
}
