using System.Runtime.InteropServices;
using FalconMamba.Formats;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Quantization;

/// <summary>32 weights of 4 bits: w = q · d + m. Codes lie as in <see cref="Q4_0"/>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = Size)]
internal struct Q4_1 : IBlockFormat<Q4_1>
{
    public const int Size = 20;

    // Compiles only while the fields fill the block.
    public const uint SizeAssertion = (2 * sizeof(ushort)) + Bytes16.Length == Size ? 0 : -1;

    /// <summary>d.</summary>
    public Half Scale;

    /// <summary>m.</summary>
    public Half Minimum;

    /// <summary>q.</summary>
    public Bytes16 Codes;

    public static TensorType Type => TensorType.Q4_1;

    public static int Length => 32;

    public static void Dequantize(ref readonly Q4_1 block, Span<float> values)
    {
        float d = (float)block.Scale, m = (float)block.Minimum;
        for (var i = 0; i < 16; i++)
        {
            values[i] = ((block.Codes[i] & 15) * d) + m;
            values[i + 16] = ((block.Codes[i] >> 4) * d) + m;
        }
    }

    public static float Dot<TBytes>(ref readonly Q4_1 block, ref readonly byte x, ref readonly short sums) where TBytes : unmanaged, IByteLanes<TBytes>
    {
        var products = TBytes.Sum(TBytes.MultiplyAdd(TBytes.LoadNibbles(in block.Codes[0]), TBytes.Load(in x, 0), 1, 1, default));
        return MathF.FusedMultiplyAdd((float)block.Scale, products, (float)block.Minimum * ActivationSums.OfBlock32(in sums));
    }
}
