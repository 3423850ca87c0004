using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FalconMamba.Quantization;

/// <summary>The scale of a block, stored in half precision.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly struct HalfScale
{
    private const uint Magnitude = 0x7FFF, Infinity = 0x7C00;

    // What the exponents of the two formats differ by.
    private const float Rebias = 5.192296858534828e33f;

    private readonly ushort _bits;

    /// <summary>A scale, in the bits a block has it in.</summary>
    public HalfScale(Half value) => _bits = BitConverter.HalfToUInt16Bits(value);

    /// <summary>The same number, exactly. The runtime's own conversion is a call, too dear for one a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float ToSingle()
    {
        uint magnitude = _bits & Magnitude;
        var number = BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle(magnitude << 13) * Rebias);
        if (magnitude >= Infinity) number = (magnitude << 13) | 0x7F800000;
        return BitConverter.UInt32BitsToSingle(number | ((uint)(_bits & 0x8000) << 16));
    }

    /// <summary>The stored bits.</summary>
    public ushort Bits => _bits;

    /// <summary>Scales of which the low halves of numbers are the bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ToSingle(Vector256<uint> bits)
    {
        var magnitude = (bits & Vector256.Create(Magnitude)) << 13;
        var number = (magnitude.AsSingle() * Vector256.Create(Rebias)).AsUInt32();
        var special = Vector256.GreaterThan(magnitude.AsInt32(), Vector256.Create((int)(Infinity << 13) - 1)).AsUInt32();
        number |= special & Vector256.Create(0x7F800000u);
        return (number | ((bits & Vector256.Create(0x8000u)) << 16)).AsSingle();
    }
}
