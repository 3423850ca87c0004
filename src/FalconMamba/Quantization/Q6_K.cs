using System.Runtime.InteropServices;
using FalconMamba.Formats;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Quantization;

/// <summary>
/// 256 weights of 6 bits in sixteen groups of 16: w = (d · s) · (q − 32). In each half of 128 weights, byte i of 64 holds the
/// low four bits of weights i and i + 64, and byte i of 32 the upper two bits of weights i, i + 32, i + 64, i + 96.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = Size)]
internal struct Q6_K : IBlockFormat<Q6_K>
{
    public const int Size = 210;

    // Compiles only while the fields fill the block.
    public const uint SizeAssertion = Bytes128.Length + Bytes64.Length + Bytes16.Length + sizeof(ushort) == Size ? 0 : -1;

    private const int Offset = 32;

    /// <summary>The low four bits of q.</summary>
    public Bytes128 Codes;

    /// <summary>The upper two bits of q.</summary>
    public Bytes64 HighBits;

    /// <summary>s of each group, signed.</summary>
    public Bytes16 Groups;

    /// <summary>d.</summary>
    public Half Scale;

    public static TensorType Type => TensorType.Q6_K;

    public static int Length => 256;

    public static void Dequantize(ref readonly Q6_K block, Span<float> values)
    {
        var d = (float)block.Scale;
        for (var group = 0; group < 16; group++)
        {
            var s = d * (sbyte)block.Groups[group];
            var y = values.Slice(16 * group, 16);

            // Which of the four runs of 32 weights in the half, and the first byte of each kind.
            var run = group / 2 % 4;
            var codes = (group / 8 * 64) + (run % 2 * 32) + (group % 2 * 16);
            var highBits = (group / 8 * 32) + (group % 2 * 16);
            for (var i = 0; i < y.Length; i++)
            {
                var q = ((block.Codes[codes + i] >> (run / 2 * 4)) & 15) | (((block.HighBits[highBits + i] >> (2 * run)) & 3) << 4);
                y[i] = s * (q - Offset);
            }
        }
    }

    public static float Dot<TBytes>(ref readonly Q6_K block, ref readonly byte x, ref readonly short sums) where TBytes : unmanaged, IByteLanes<TBytes>
    {
        TBytes products = default;
        for (var half = 0; half < 2; half++)
        {
            TBytes first = TBytes.Load(in block.Codes[0], 64 * half), second = TBytes.Load(in block.Codes[0], (64 * half) + 32);
            var high = TBytes.Load(in block.HighBits[0], 32 * half);
            var groups = 8 * half;
            products = Add(TBytes.And(first, 15) | TBytes.ShiftLeft(TBytes.And(high, 0x03), 4), 0, in block, in x, groups, products);
            products = Add(TBytes.And(second, 15) | TBytes.ShiftLeft(TBytes.And(high, 0x0C), 2), 2, in block, in x, groups, products);
            products = Add(TBytes.ShiftRight(first, 4) | TBytes.And(high, 0x30), 4, in block, in x, groups, products);
            products = Add(TBytes.ShiftRight(second, 4) | TBytes.ShiftRight(TBytes.And(high, 0xC0), 2), 6, in block, in x, groups, products);
        }

        return (float)block.Scale * (TBytes.Sum(products) - (Offset * ActivationSums.Weighted16(in block.Groups, in sums)));

        static TBytes Add(TBytes codes, int group, ref readonly Q6_K block, ref readonly byte x, int groups, TBytes products) =>
            TBytes.MultiplyAdd(
                codes, TBytes.Load(in x, 16 * (groups + group)), (sbyte)block.Groups[groups + group], (sbyte)block.Groups[groups + group + 1], products);
    }
}
