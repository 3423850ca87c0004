using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
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
    public HalfScale Scale;

    /// <summary>dmin.</summary>
    public HalfScale MinimumScale;

    /// <summary>s and m of each group.</summary>
    public GroupScales Groups;

    /// <summary>The fifth bits of q.</summary>
    public Bytes32 HighBits;

    /// <summary>The low four bits of q.</summary>
    public Bytes128 Codes;

    public static TensorType Type => TensorType.Q5_K;

    public static int Length => 256;

    public static int Offset => 0;

    public static int MostCode => 31;

    public static bool HasMinimum => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ScaleBits(ref readonly Q5_K block) => block.Scale.Bits | ((uint)block.MinimumScale.Bits << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (ulong First, ulong Last) GroupBytes(ref readonly Q5_K block) => (block.Groups.ScaleBytes, block.Groups.MinimumBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> UnsignedCodes(ref readonly Q5_K block, int group) => ByteLanes256.Register(Unpack<ByteLanes256>(in block, group));

    public static void Dequantize(ref readonly Q5_K block, Span<float> values)
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
    public static TBytes Products<TBytes, TPair>(ref readonly Q5_K block, ref readonly byte x, ref readonly byte factors, ref readonly short sums)
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TPair : unmanaged, IBytePair<TPair, TBytes>
    {
        var scales = TPair.Twice(block.Groups.Scales<TBytes>(in factors));
        TPair products = default;
        products = Pair<TBytes, TPair>(in block, 0, in x, scales, products);
        products = Pair<TBytes, TPair>(in block, 2, in x, scales, products);
        products = Pair<TBytes, TPair>(in block, 4, in x, scales, products);
        return TPair.Fold(Pair<TBytes, TPair>(in block, 6, in x, scales, products));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Minimums<TBytes>(ref readonly Q5_K block, ref readonly short sums) where TBytes : unmanaged, IByteLanes<TBytes> =>
        block.Groups.Minimums<TBytes>(in sums);

    // Two groups. Called with constants, so that shifts are constants too.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TPair Pair<TBytes, TPair>(ref readonly Q5_K block, int group, ref readonly byte x, TPair scales, TPair products)
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TPair : unmanaged, IBytePair<TPair, TBytes>
    {
        var fifth = TPair.LoadTwice(in block.HighBits[0], 0);
        fifth = group < 4 ? TPair.ShiftLeft(fifth, 4 - group, 3 - group) : TPair.ShiftRight(fifth, group - 4, group - 3);
        var codes = TPair.And(TPair.ShiftRight(TPair.LoadTwice(in block.Codes[0], 16 * group), 0, 4), 15) | TPair.And(fifth, 16);
        return TPair.MultiplyAdd(codes, TPair.Load(in x, 32 * group), scales, group, products);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes Unpack<TBytes>(ref readonly Q5_K block, int group) where TBytes : unmanaged, IByteLanes<TBytes>
    {
        var pair = TBytes.Load(in block.Codes[0], 32 * (group / 2));
        var fifth = TBytes.And(TBytes.Load(in block.HighBits[0], 0), (byte)(1 << group));
        return (group % 2 == 0 ? TBytes.And(pair, 15) : TBytes.And(TBytes.ShiftRight(pair, 4), 15))
            | (group < 4 ? TBytes.ShiftLeft(fifth, 4 - group) : TBytes.ShiftRight(fifth, group - 4));
    }
}
