using System.Runtime.Intrinsics;
using FalconMamba.Formats;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Quantization;

/// <summary>
/// A block of weights as a file stores it. The implementing struct is the block itself, byte for byte; it lies in a mapped
/// file at any address. A new format is one such struct and one row in <see cref="BlockFormats"/>.
/// </summary>
/// <remarks>Layouts and the order of operations when decoding are ggml's (https://github.com/ggml-org/ggml, ggml-quants).</remarks>
internal interface IBlockFormat<TSelf> where TSelf : unmanaged, IBlockFormat<TSelf>
{
    /// <summary>The type's row in the table of element types.</summary>
    static abstract TensorType Type { get; }

    /// <summary>Weights of a block, and so the activations that share a scale beside them: 32 or 256.</summary>
    static abstract int Length { get; }

    /// <summary>Decodes a block to as many floats, in ggml's order of operations, bit for bit.</summary>
    static abstract void Dequantize(ref readonly TSelf block, Span<float> values);

    /// <summary>What codes are higher by, as unsigned numbers, than the numbers that scales are multiplied with.</summary>
    static abstract int Offset { get; }

    /// <summary>The largest code, as an unsigned number: 15, 31, 63 or, in blocks of 32 only, 255.</summary>
    static abstract int MostCode { get; }

    /// <summary>Whether weights have a minimum: w = q · scale − minimum, rather than w = q · scale.</summary>
    static abstract bool HasMinimum { get; }

    /// <summary>The bits of d in the low half, those of the minimums' scale in the high one where weights have one.</summary>
    static abstract uint ScaleBits(ref readonly TSelf block);

    /// <summary>
    /// The groups' own scales in a block of 256: a byte each and then one for each minimum, or sixteen signed scales of sixteen
    /// weights; the first lowest.
    /// </summary>
    static abstract (ulong First, ulong Last) GroupBytes(ref readonly TSelf block);

    /// <summary>The unsigned codes of 32 weights, at most 63 where a block has 256.</summary>
    static abstract Vector256<byte> UnsignedCodes(ref readonly TSelf block, int group);

    /// <summary>
    /// Sums whose total is the block's codes, with their own whole scales, times 8-bit activations: what d is
    /// to be multiplied with. Exact in integers, so every path gives the same total.
    /// </summary>
    /// <param name="block">The weights.</param>
    /// <param name="x">The first of <see cref="Length"/> signed codes, −127 to 127.</param>
    /// <param name="factors">The first of the whole numbers, 1 to 16, that each 32 codes are multiplied with; 1 in blocks of 32.</param>
    /// <param name="sums">The first of the sums of each sixteen codes, times their factor: those of each group's first half, then those of the last halves.</param>
    static abstract TBytes Products<TBytes, TPair>(ref readonly TSelf block, ref readonly byte x, ref readonly byte factors, ref readonly short sums)
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TPair : unmanaged, IBytePair<TPair, TBytes>;

    /// <summary>Sums whose total times the minimums' scale is to be subtracted, where weights have a minimum.</summary>
    /// <param name="block">The weights.</param>
    /// <param name="sums">As for <see cref="Products"/>.</param>
    static abstract TBytes Minimums<TBytes>(ref readonly TSelf block, ref readonly short sums) where TBytes : unmanaged, IByteLanes<TBytes>;
}
