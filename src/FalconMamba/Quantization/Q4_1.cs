using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
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
    public HalfScale Scale;

    /// <summary>m.</summary>
    public HalfScale Minimum;

    /// <summary>q.</summary>
    public Bytes16 Codes;

    public static TensorType Type => TensorType.Q4_1;

    public static int Length => 32;

    public static int Offset => 0;

    public static int MostCode => 15;

    public static bool HasMinimum => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ScaleBits(ref readonly Q4_1 block) => block.Scale.Bits | ((uint)block.Minimum.Bits << 16);

    public static (ulong First, ulong Last) GroupBytes(ref readonly Q4_1 block) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> UnsignedCodes(ref readonly Q4_1 block, int group) => ByteLanes256.Register(Unpack<ByteLanes256>(in block));

    public static void Dequantize(ref readonly Q4_1 block, Span<float> values) =>
        Unpack<ByteLanes128>(in block).Decode(0, block.Scale.ToSingle(), block.Minimum.ToSingle(), values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Products<TBytes, TPair>(ref readonly Q4_1 block, ref readonly byte x, ref readonly byte factors, ref readonly short sums)
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TPair : unmanaged, IBytePair<TPair, TBytes> =>
        TBytes.Multiply(Unpack<TBytes>(in block), TBytes.Load(in x, 0));

    // The minimum is added, not subtracted.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Minimums<TBytes>(ref readonly Q4_1 block, ref readonly short sums) where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.Add(default, -(sums + Unsafe.Add(ref Unsafe.AsRef(in sums), 1)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes Unpack<TBytes>(ref readonly Q4_1 block) where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.LoadNibbles(in block.Codes[0]);
}
