using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FalconMamba.Formats;

namespace FalconMamba.Quantization;

/// <summary>Work to be done with a block format that is only known when a file is read.</summary>
internal interface IBlockFormatVisitor
{
    /// <summary>Does the work with the format's own type.</summary>
    void Visit<TFormat>() where TFormat : unmanaged, IBlockFormat<TFormat>;
}

/// <summary>A block format as an object of the table.</summary>
internal abstract class BlockFormat
{
    /// <summary>The type's row in the table of element types.</summary>
    public abstract TensorType Type { get; }

    /// <summary>Decodes whole blocks.</summary>
    public abstract void Dequantize(ReadOnlySpan<byte> blocks, Span<float> values);

    /// <summary>Calls the visitor with the format's own type.</summary>
    public abstract void Accept<TVisitor>(ref TVisitor visitor) where TVisitor : struct, IBlockFormatVisitor, allows ref struct;
}

/// <inheritdoc/>
internal sealed class BlockFormat<TFormat> : BlockFormat where TFormat : unmanaged, IBlockFormat<TFormat>
{
    public BlockFormat()
    {
        var info = TFormat.Type.Info();
        if (info.BlockBytes != Unsafe.SizeOf<TFormat>() || info.BlockLength != TFormat.Length)
            throw new InvalidOperationException($"The struct of {TFormat.Type} has {Unsafe.SizeOf<TFormat>()} bytes for {TFormat.Length} weights, its row in the table {info.BlockBytes} for {info.BlockLength}.");
    }

    public override TensorType Type => TFormat.Type;

    public override void Dequantize(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        var typed = MemoryMarshal.Cast<byte, TFormat>(blocks);
        for (var i = 0; i < typed.Length; i++) TFormat.Dequantize(in typed[i], values.Slice(i * TFormat.Length, TFormat.Length));
    }

    public override void Accept<TVisitor>(ref TVisitor visitor) => visitor.Visit<TFormat>();
}

/// <summary>The table of block formats that can be decoded and computed with.</summary>
internal static class BlockFormats
{
    private static readonly BlockFormat[] Table =
    [
        new BlockFormat<Q4_0>(),
        new BlockFormat<Q4_1>(),
        new BlockFormat<Q5_0>(),
        new BlockFormat<Q5_1>(),
        new BlockFormat<Q8_0>(),
        new BlockFormat<Q4_K>(),
        new BlockFormat<Q5_K>(),
        new BlockFormat<Q6_K>(),
    ];

    private static readonly BlockFormat?[] ByType =
        [.. Enum.GetValues<TensorType>().Select(type => Array.Find(Table, format => format.Type == type))];

    /// <summary>Every format, in the order of the table.</summary>
    public static IReadOnlyList<BlockFormat> All => Table;

    /// <summary>The format of a type, or null for plain types and formats that are only known by name.</summary>
    public static BlockFormat? Find(TensorType type) => ByType[(int)type];
}
