using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels.Lanes;

/// <summary>2^(n/16) for whole n: a table of sixteen significands, to which the exponent is added as an integer.</summary>
/// <remarks>The numbers come as power = n/16 + 1.5·2¹⁹, whose low bits are n.</remarks>
internal static class SixteenthPowers
{
    /// <summary>From the place of n's bits in a power to one where their sixteens are an exponent.</summary>
    public const int Shift = 19;

    /// <summary>The bits of 2^(j/16), rounded, less what the low four bits of a power become when they are shifted.</summary>
    public static ReadOnlySpan<uint> Table =>
    [
        0x3F800000, 0x3F7DAAC3, 0x3F7B95C2, 0x3F79C3D3, 0x3F7837F0, 0x3F76F532, 0x3F75FED7, 0x3F75583F,
        0x3F7504F3, 0x3F7508A4, 0x3F75672A, 0x3F76248C, 0x3F7744FD, 0x3F78CCDF, 0x3F7AC0C7, 0x3F7D257D,
    ];

    /// <summary>The power of one number.</summary>
    public static float Of(float power)
    {
        var bits = BitConverter.SingleToUInt32Bits(power);
        return BitConverter.UInt32BitsToSingle(Table[(int)(bits & 15)] + (bits << Shift));
    }

    /// <summary>The powers of four numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Of(Vector128<float> power)
    {
        if (!AdvSimd.Arm64.IsSupported) return Vector128.Create(Of(power[0]), Of(power[1]), Of(power[2]), Of(power[3]));
        ref var table = ref MemoryMarshal.GetReference(Table);
        // The places of the four bytes of each entry.
        var places = ((power.AsUInt32() & Vector128.Create(15u)) * Vector128.Create(0x04040404u)) + Vector128.Create(0x03020100u);
        var entries = AdvSimd.Arm64.VectorTableLookup(
            (Vector128.LoadUnsafe(ref table).AsByte(), Vector128.LoadUnsafe(ref table, 4).AsByte(), Vector128.LoadUnsafe(ref table, 8).AsByte(), Vector128.LoadUnsafe(ref table, 12).AsByte()),
            places.AsByte());
        return (entries.AsUInt32() + (power.AsUInt32() << Shift)).AsSingle();
    }

    /// <summary>The powers of eight numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> power)
    {
        if (!Avx2.IsSupported) return Vector256.Create(Of(power.GetLower()), Of(power.GetUpper()));
        ref var table = ref MemoryMarshal.GetReference(Table);
        var bits = power.AsUInt32();
        var entries = Avx.BlendVariable(
            Avx2.PermuteVar8x32(Vector256.LoadUnsafe(ref table), bits).AsSingle(),
            Avx2.PermuteVar8x32(Vector256.LoadUnsafe(ref table, 8), bits).AsSingle(),
            (bits << 28).AsSingle());
        return (entries.AsUInt32() + (bits << Shift)).AsSingle();
    }

    /// <summary>The powers of sixteen numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> power)
    {
        if (!Avx512F.IsSupported) return Vector512.Create(Of(power.GetLower()), Of(power.GetUpper()));
        var bits = power.AsUInt32();
        var entries = Avx512F.PermuteVar16x32(Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(Table)), bits);
        return (entries + (bits << Shift)).AsSingle();
    }
}
