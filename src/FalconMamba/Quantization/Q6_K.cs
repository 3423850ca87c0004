using System.Runtime.CompilerServices;
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
    public HalfScale Scale;

    public static TensorType Type => TensorType.Q6_K;

    public static int Length => 256;

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
    public static float Dot<TBytes>(ref readonly Q6_K block, ref readonly byte x, ref readonly byte factors, ref readonly short sums)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        var groups = TBytes.WidenEvenOdd(in block.Groups[0]);
        var scales = TBytes.MultiplyWords(groups, TBytes.WidenTwice(Unsafe.ReadUnaligned<ulong>(in factors)));
        var products = Half(in block, 0, in x, scales, default);
        products = Half(in block, 4, in x, scales, products);

        // Sums may wrap on the way; their difference does not: 128 · 32 · 127 · 256 · 16 is below 2³¹.
        var offsets = Offset * TBytes.Sum(TBytes.SumWordProducts(groups, TBytes.LoadWords(in sums)));
        return block.Scale.ToSingle() * (TBytes.Sum(products) - offsets);
    }

    // Called with constants, so that the masks and shifts of a run are constants too.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes Half<TBytes>(ref readonly Q6_K block, int run, ref readonly byte x, TBytes scales, TBytes products)
        where TBytes : unmanaged, IByteLanes<TBytes>
    {
        products = TBytes.MultiplyAdd(Unpack<TBytes>(in block, run), TBytes.Load(in x, 32 * run), scales, run, products);
        products = TBytes.MultiplyAdd(Unpack<TBytes>(in block, run + 1), TBytes.Load(in x, 32 * (run + 1)), scales, run + 1, products);
        products = TBytes.MultiplyAdd(Unpack<TBytes>(in block, run + 2), TBytes.Load(in x, 32 * (run + 2)), scales, run + 2, products);
        return TBytes.MultiplyAdd(Unpack<TBytes>(in block, run + 3), TBytes.Load(in x, 32 * (run + 3)), scales, run + 3, products);
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
            : TBytes.ShiftRight(pair, 4) | TBytes.ShiftRight(upper, (2 * part) - 4);
    }
}
