using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Quantization;

/// <summary>
/// Eight scales and eight minimums of six bits in twelve bytes, as <see cref="Q4_K"/> and <see cref="Q5_K"/> keep them: bytes
/// 0–3 and 4–7 hold the first four of each in their low six bits, bytes 8–11 the low halves of the last four, whose upper two
/// bits fill the first eight bytes.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = Size)]
internal struct GroupScales
{
    public const int Size = 3 * sizeof(uint);

    private const uint LowSix = 0x3F3F3F3F, LowFour = 0x0F0F0F0F, UpperTwo = 0x30303030;

    private readonly uint _scales, _minimums, _rest;

    /// <summary>The same scale and the same minimum in every group, each of six bits.</summary>
    public GroupScales(byte scale, byte minimum)
    {
        const uint EveryByte = 0x01010101;
        _scales = EveryByte * (uint)(scale | (scale & UpperTwo) << 2);
        _minimums = EveryByte * (uint)(minimum | (minimum & UpperTwo) << 2);
        _rest = EveryByte * (uint)((scale & LowFour) | (minimum & LowFour) << 4);
    }

    /// <summary>The scales, one a byte, the first lowest.</summary>
    public readonly ulong ScaleBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (_scales & LowSix) | ((ulong)((_rest & LowFour) | ((_scales >> 2) & UpperTwo)) << 32);
    }

    /// <summary>The minimums, one a byte, the first lowest.</summary>
    public readonly ulong MinimumBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (_minimums & LowSix) | ((ulong)(((_rest >> 4) & LowFour) | ((_minimums >> 2) & UpperTwo)) << 32);
    }

    /// <summary>One of eight numbers.</summary>
    public static int Pick(ulong numbers, int index) => (byte)(numbers >> (8 * index));

    /// <summary>The scales times the activations' factors, as words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly TBytes Scales<TBytes>(ref readonly byte factors) where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.MultiplyWords(TBytes.WidenTwice(ScaleBytes), TBytes.WidenTwice(Unsafe.ReadUnaligned<ulong>(in factors)));

    /// <summary>What the minimums add to a product: each times the sum of its group's activations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly TBytes Minimums<TBytes>(ref readonly short sums) where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.SumWordProducts(TBytes.WidenTwice(MinimumBytes), TBytes.LoadWords(in sums));
}
