using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
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

    /// <summary>The low four bits of q.</summary>
    public Bytes128 Codes;

    /// <summary>The upper two bits of q.</summary>
    public Bytes64 HighBits;

    /// <summary>s of each group, signed.</summary>
    public Bytes16 Groups;

    /// <summary>d.</summary>
    public HalfScale Scale;

    public static TensorType Type => TensorType.Q6_K;

    public static int Length => 256;

    public static int Offset => 32;

    public static int MostCode => 63;

    public static bool HasMinimum => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ScaleBits(ref readonly Q6_K block) => block.Scale.Bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (ulong First, ulong Last) GroupBytes(ref readonly Q6_K block) =>
        (Unsafe.ReadUnaligned<ulong>(in block.Groups[0]), Unsafe.ReadUnaligned<ulong>(in block.Groups[8]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> UnsignedCodes(ref readonly Q6_K block, int group) => ByteLanes256.Register(Unpack<ByteLanes256>(in block, group));

    public static void Dequantize(ref readonly Q6_K block, Span<float> values)
    {
        var d = block.Scale.ToSingle();
        for (var run = 0; run < 8; run++)
        {
            float first = d * (sbyte)block.Groups[2 * run], last = d * (sbyte)block.Groups[(2 * run) + 1];
            Unpack<ByteLanes128>(in block, run).Decode(Offset, first, last, ByteLanes128.NoAddend, values.Slice(32 * run, 32));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Products<TBytes, TPair>(ref readonly Q6_K block, ref readonly byte x, ref readonly byte factors, ref readonly short sums)
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TPair : unmanaged, IBytePair<TPair, TBytes>
    {
        var groups = TBytes.WidenEvenOdd(in block.Groups[0]);
        var scales = TPair.Twice(TBytes.MultiplyWords(groups, TBytes.WidenTwice(Unsafe.ReadUnaligned<ulong>(in factors))));
        var products = Half<TBytes, TPair>(in block, 0, in x, scales, default);
        products = Half<TBytes, TPair>(in block, 1, in x, scales, products);

        // Sums may wrap on the way; the result does not: 128 · 32 · 127 · 256 · 16 is below 2³¹.
        var offsets = TBytes.MultiplyWords(groups, TBytes.Words((short)-Offset));
        return TBytes.Add(TPair.Fold(products), TBytes.SumWordProducts(offsets, TBytes.LoadWords(in sums)));
    }

    public static TBytes Minimums<TBytes>(ref readonly Q6_K block, ref readonly short sums) where TBytes : unmanaged, IByteLanes<TBytes> => default;

    // 128 weights. Called with constants, so that places are constants too.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TPair Half<TBytes, TPair>(ref readonly Q6_K block, int half, ref readonly byte x, TPair scales, TPair products)
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TPair : unmanaged, IBytePair<TPair, TBytes>
    {
        var low = TPair.Load(in block.Codes[0], 64 * half);
        var upper = TPair.LoadTwice(in block.HighBits[0], 32 * half);
        var codes = TPair.And(low, 15) | TPair.And(TPair.ShiftLeft(upper, 4, 2), 0x30);
        products = TPair.MultiplyAdd(codes, TPair.Load(in x, 128 * half), scales, 4 * half, products);
        codes = TPair.And(TPair.ShiftRight(low, 4, 4), 15) | TPair.And(TPair.ShiftRight(upper, 0, 2), 0x30);
        return TPair.MultiplyAdd(codes, TPair.Load(in x, (128 * half) + 64), scales, (4 * half) + 2, products);
    }

    // A run of 32 weights, which is two groups.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes Unpack<TBytes>(ref readonly Q6_K block, int run) where TBytes : unmanaged, IByteLanes<TBytes>
    {
        int half = run / 4, part = run % 4;
        var pair = TBytes.Load(in block.Codes[0], (64 * half) + (32 * (part % 2)));
        var upper = TBytes.And(TBytes.Load(in block.HighBits[0], 32 * half), (byte)(3 << (2 * part)));
        return part < 2
            ? TBytes.And(pair, 15) | TBytes.ShiftLeft(upper, 4 - (2 * part))
            : TBytes.And(TBytes.ShiftRight(pair, 4), 15) | TBytes.ShiftRight(upper, (2 * part) - 4);
    }
}
