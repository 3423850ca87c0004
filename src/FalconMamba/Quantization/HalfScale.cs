using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

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
}
