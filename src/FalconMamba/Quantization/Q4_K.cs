using System.Runtime.CompilerServices;
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
    public HalfScale Scale;

    /// <summary>dmin.</summary>
    public HalfScale MinimumScale;

    /// <summary>s and m of each group.</summary>
    public GroupScales Groups;

    /// <summary>q.</summary>
    public Bytes128 Codes;

    public static TensorType Type => TensorType.Q4_K;

    public static int Length => 256;

    public static void Dequantize(ref readonly Q4_K block, Span<float> values)
    {
        float d = block.Scale.ToSingle(), dmin = block.MinimumScale.ToSingle();
        ulong scales = block.Groups.ScaleBytes, minimums = block.Groups.MinimumBytes;
        for (var group = 0; group < 8; group++)
        {
            float s = d * GroupScales.Pick(scales, group), m = dmin * GroupScales.Pick(minimums, group);
            Unpack<ByteLanes128>(in block, group).Decode(0, s, -m, values.Slice(32 * group, 32));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Dot<TBytes>(ref readonly Q4_K block, ref readonly byte x, ref readonly byte factors, ref readonly short sums)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        var scales = block.Groups.Scales<TBytes>(in factors);
        var products = Pair(in block, 0, in x, scales, default);
        products = Pair(in block, 2, in x, scales, products);
        products = Pair(in block, 4, in x, scales, products);
        products = Pair(in block, 6, in x, scales, products);
        var minimums = block.MinimumScale.ToSingle() * TBytes.Sum(block.Groups.Minimums<TBytes>(in sums));
        return MathF.FusedMultiplyAdd(block.Scale.ToSingle(), TBytes.Sum(products), -minimums);
    }

    // Called with constants, so that the masks and shifts of a group are constants too.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes Pair<TBytes>(ref readonly Q4_K block, int group, ref readonly byte x, TBytes scales, TBytes products)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        products = TBytes.MultiplyAdd(Unpack<TBytes>(in block, group), TBytes.Load(in x, 32 * group), scales, group, products);
        return TBytes.MultiplyAdd(Unpack<TBytes>(in block, group + 1), TBytes.Load(in x, 32 * (group + 1)), scales, group + 1, products);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes Unpack<TBytes>(ref readonly Q4_K block, int group) where TBytes : unmanaged, IByteLanes<TBytes>
    {
        var pair = TBytes.Load(in block.Codes[0], 32 * (group / 2));
        return group % 2 == 0 ? TBytes.And(pair, 15) : TBytes.ShiftRight(pair, 4);
    }
}
