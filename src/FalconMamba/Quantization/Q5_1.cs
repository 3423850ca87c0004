using System.Runtime.InteropServices;
using FalconMamba.Formats;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Quantization;

/// <summary>32 weights of 5 bits: w = q · d + m. Codes lie as in <see cref="Q5_0"/>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = Size)]
internal struct Q5_1 : IBlockFormat<Q5_1>
{
    public const int Size = 24;

    // Compiles only while the fields fill the block.
    public const uint SizeAssertion = (2 * sizeof(ushort)) + sizeof(uint) + Bytes16.Length == Size ? 0 : -1;

    /// <summary>d.</summary>
    public Half Scale;

    /// <summary>m.</summary>
    public Half Minimum;

    /// <summary>The fifth bits of q.</summary>
    public uint HighBits;

    /// <summary>The low four bits of q.</summary>
    public Bytes16 Codes;

    public static TensorType Type => TensorType.Q5_1;

    public static int Length => 32;

    public static void Dequantize(ref readonly Q5_1 block, Span<float> values)
    {
        float d = (float)block.Scale, m = (float)block.Minimum;
        for (var i = 0; i < 16; i++)
        {
            values[i] = (((block.Codes[i] & 15) | (int)((block.HighBits >> i) << 4 & 16)) * d) + m;
            values[i + 16] = (((block.Codes[i] >> 4) | (int)((block.HighBits >> (i + 12)) & 16)) * d) + m;
        }
    }

    public static float Dot<TBytes>(ref readonly Q5_1 block, ref readonly byte x, ref readonly short sums) where TBytes : unmanaged, IByteLanes<TBytes>
    {
        var codes = TBytes.LoadNibbles(in block.Codes[0]) | TBytes.LoadFifthBits(block.HighBits);
        var products = TBytes.Sum(TBytes.MultiplyAdd(codes, TBytes.Load(in x, 0), 1, 1, default));
        return MathF.FusedMultiplyAdd((float)block.Scale, products, (float)block.Minimum * ActivationSums.OfBlock32(in sums));
    }
}
