using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FalconMamba.Formats;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Quantization;

/// <summary>32 weights of 4 bits: w = (q − 8) · d. Byte i holds weight i in its low half and weight i + 16 in its high half.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = Size)]
internal struct Q4_0 : IBlockFormat<Q4_0>
{
    public const int Size = 18;

    // Compiles only while the fields fill the block.
    public const uint SizeAssertion = sizeof(ushort) + Bytes16.Length == Size ? 0 : -1;

    /// <summary>d.</summary>
    public HalfScale Scale;

    /// <summary>q.</summary>
    public Bytes16 Codes;

    public static TensorType Type => TensorType.Q4_0;

    public static int Length => 32;

    public static int Offset => 8;

    public static int MostCode => 15;

    public static bool HasMinimum => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ScaleBits(ref readonly Q4_0 block) => block.Scale.Bits;

    public static (ulong First, ulong Last) GroupBytes(ref readonly Q4_0 block) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> UnsignedCodes(ref readonly Q4_0 block, int group) => ByteLanes256.Register(Unpack<ByteLanes256>(in block));

    public static void Dequantize(ref readonly Q4_0 block, Span<float> values) =>
        Unpack<ByteLanes128>(in block).Decode(Offset, block.Scale.ToSingle(), ByteLanes128.NoAddend, values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Products<TBytes, TPair>(ref readonly Q4_0 block, ref readonly byte x, ref readonly byte factors, ref readonly short sums)
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TPair : unmanaged, IBytePair<TPair, TBytes> =>
        TBytes.Add(TBytes.Multiply(Unpack<TBytes>(in block), TBytes.Load(in x, 0)), -Offset * (sums + Unsafe.Add(ref Unsafe.AsRef(in sums), 1)));

    public static TBytes Minimums<TBytes>(ref readonly Q4_0 block, ref readonly short sums) where TBytes : unmanaged, IByteLanes<TBytes> => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes Unpack<TBytes>(ref readonly Q4_0 block) where TBytes : unmanaged, IByteLanes<TBytes> =>
        TBytes.LoadNibbles(in block.Codes[0]);
}
