using System.Runtime.InteropServices;
using FalconMamba.Formats;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Quantization;

/// <summary>
/// 256 weights of 5 bits in eight groups of 32: w = (d · s) · q − (dmin · m). The low four bits lie as in <see cref="Q4_K"/>;
/// the fifth bit of weight i of group g is bit g of byte i.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = Size)]
internal struct Q5_K : IBlockFormat<Q5_K>
{
    public const int Size = 176;

    // Compiles only while the fields fill the block.
    public const uint SizeAssertion = (2 * sizeof(ushort)) + GroupScales.Size + Bytes32.Length + Bytes128.Length == Size ? 0 : -1;

    /// <summary>d.</summary>
    public Half Scale;

    /// <summary>dmin.</summary>
    public Half MinimumScale;

    /// <summary>s and m of each group.</summary>
    public GroupScales Groups;

    /// <summary>The fifth bits of q.</summary>
    public Bytes32 HighBits;

    /// <summary>The low four bits of q.</summary>
    public Bytes128 Codes;

    public static TensorType Type => TensorType.Q5_K;

    public static int Length => 256;

    public static void Dequantize(ref readonly Q5_K block, Span<float> values)
    {
        float d = (float)block.Scale, dmin = (float)block.MinimumScale;
        ulong scales = block.Groups.Scales, minimums = block.Groups.Minimums;
        for (var group = 0; group < 8; group++)
        {
            float s = d * GroupScales.Pick(scales, group), m = dmin * GroupScales.Pick(minimums, group);
            var shift = group % 2 * 4;
            var y = values.Slice(32 * group, 32);
            for (var i = 0; i < y.Length; i++)
            {
                var q = ((block.Codes[(group / 2 * 32) + i] >> shift) & 15) | (((block.HighBits[i] >> group) & 1) << 4);
                y[i] = (s * q) - m;
            }
        }
    }

    public static float Dot<TBytes>(ref readonly Q5_K block, ref readonly byte x, ref readonly short sums) where TBytes : unmanaged, IByteLanes<TBytes>
    {
        var scales = block.Groups.Scales;
        var fifth = TBytes.Load(in block.HighBits[0], 0);
        TBytes products = default;
        for (var pair = 0; pair < 4; pair++)
        {
            var codes = TBytes.Load(in block.Codes[0], 32 * pair);
            var lowCodes = TBytes.And(codes, 15) | TBytes.ShiftLeft(TBytes.And(fifth, 1), 4);
            var highCodes = TBytes.ShiftRight(codes, 4) | TBytes.ShiftLeft(TBytes.And(fifth, 2), 3);
            fifth = TBytes.ShiftRight(fifth, 2);
            int low = GroupScales.Pick(scales, 2 * pair), high = GroupScales.Pick(scales, (2 * pair) + 1);
            products = TBytes.MultiplyAdd(lowCodes, TBytes.Load(in x, 64 * pair), low, low, products);
            products = TBytes.MultiplyAdd(highCodes, TBytes.Load(in x, (64 * pair) + 32), high, high, products);
        }

        var minimums = (float)block.MinimumScale * ActivationSums.Weighted32(block.Groups.Minimums, in sums);
        return MathF.FusedMultiplyAdd((float)block.Scale, TBytes.Sum(products), -minimums);
    }
}
