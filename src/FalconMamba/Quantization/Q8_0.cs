using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FalconMamba.Formats;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Quantization;

/// <summary>32 weights of 8 bits: w = q · d.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = Size)]
internal struct Q8_0 : IBlockFormat<Q8_0>
{
    public const int Size = 34;

    // Compiles only while the fields fill the block.
    public const uint SizeAssertion = sizeof(ushort) + Bytes32.Length == Size ? 0 : -1;

    /// <summary>d.</summary>
    public HalfScale Scale;

    /// <summary>q, signed.</summary>
    public Bytes32 Codes;

    public static TensorType Type => TensorType.Q8_0;

    public static int Length => 32;

    public static int Offset => 128;

    public static int MostCode => 255;

    public static bool HasMinimum => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ScaleBits(ref readonly Q8_0 block) => block.Scale.Bits;

    public static (ulong First, ulong Last) GroupBytes(ref readonly Q8_0 block) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> UnsignedCodes(ref readonly Q8_0 block, int group) => Vector256.LoadUnsafe(in block.Codes[0]) ^ Vector256.Create((byte)Offset);

    public static void Dequantize(ref readonly Q8_0 block, Span<float> values) =>
        ByteLanes128.Load(in block.Codes[0], 0).DecodeSigned(block.Scale.ToSingle(), values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Products<TBytes, TPair>(ref readonly Q8_0 block, ref readonly byte x, ref readonly byte factors, ref readonly short sums)
        where TBytes : unmanaged, IByteLanes<TBytes>
        where TPair : unmanaged, IBytePair<TPair, TBytes> =>
        TBytes.MultiplySigned(TBytes.Load(in block.Codes[0], 0), TBytes.Load(in x, 0));

    public static TBytes Minimums<TBytes>(ref readonly Q8_0 block, ref readonly short sums) where TBytes : unmanaged, IByteLanes<TBytes> => default;
}
