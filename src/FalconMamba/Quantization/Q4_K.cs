using System.Runtime.InteropServices;
using FalconMamba.Formats;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Quantization;

/// <summary>
/// 256 weights of 4 bits in eight groups of 32: w = (d · s) · q − (dmin · m). Each 32 bytes of codes hold two groups, one in
/// the low halves, the next in the high ones.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = Size)]
internal struct Q4_K : IBlockFormat<Q4_K>
{
    public const int Size = 144;

    // Compiles only while the fields fill the block.
    public const uint SizeAssertion = (2 * sizeof(ushort)) + GroupScales.Size + Bytes128.Length == Size ? 0 : -1;

    /// <summary>d.</summary>
    public Half Scale;

    /// <summary>dmin.</summary>
    public Half MinimumScale;

    /// <summary>s and m of each group.</summary>
    public GroupScales Groups;

    /// <summary>q.</summary>
    public Bytes128 Codes;

    public static TensorType Type => TensorType.Q4_K;

    public static int Length => 256;

    public static void Dequantize(ref readonly Q4_K block, Span<float> values)
    {
        float d = (float)block.Scale, dmin = (float)block.MinimumScale;
        ulong scales = block.Groups.Scales, minimums = block.Groups.Minimums;
        for (var group = 0; group < 8; group++)
        {
            float s = d * GroupScales.Pick(scales, group), m = dmin * GroupScales.Pick(minimums, group);
            var shift = group % 2 * 4;
            var y = values.Slice(32 * group, 32);
            for (var i = 0; i < y.Length; i++) y[i] = (s * ((block.Codes[(group / 2 * 32) + i] >> shift) & 15)) - m;
        }
    }

    public static float Dot<TBytes>(ref readonly Q4_K block, ref readonly byte x, ref readonly short sums) where TBytes : unmanaged, IByteLanes<TBytes>
    {
        var scales = block.Groups.Scales;
        TBytes products = default;
        for (var pair = 0; pair < 4; pair++)
        {
            var codes = TBytes.Load(in block.Codes[0], 32 * pair);
            int low = GroupScales.Pick(scales, 2 * pair), high = GroupScales.Pick(scales, (2 * pair) + 1);
            products = TBytes.MultiplyAdd(TBytes.And(codes, 15), TBytes.Load(in x, 64 * pair), low, low, products);
            products = TBytes.MultiplyAdd(TBytes.ShiftRight(codes, 4), TBytes.Load(in x, (64 * pair) + 32), high, high, products);
        }

        var minimums = (float)block.MinimumScale * ActivationSums.Weighted32(block.Groups.Minimums, in sums);
        return MathF.FusedMultiplyAdd((float)block.Scale, TBytes.Sum(products), -minimums);
    }
}
