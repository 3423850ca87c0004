using System.Runtime.CompilerServices;

namespace FalconMamba.Quantization;

/// <summary>
/// What an offset or a minimum, which all weights of a group share, adds to a product: itself times the sum of the
/// activations' codes. Those sums are kept for every sixteen codes.
/// </summary>
internal static class ActivationSums
{
    /// <summary>The sum of 32 codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int OfBlock32(ref readonly short sums) => sums + Unsafe.Add(ref Unsafe.AsRef(in sums), 1);

    /// <summary>Σ number · sum over eight groups of 32 codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Weighted32(ulong numbers, ref readonly short sums)
    {
        var total = 0;
        for (var i = 0; i < 8; i++)
            total += GroupScales.Pick(numbers, i) * OfBlock32(in Unsafe.Add(ref Unsafe.AsRef(in sums), 2 * i));
        return total;
    }

    /// <summary>Σ number · sum over sixteen groups of sixteen codes, numbers signed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Weighted16(ref readonly Bytes16 numbers, ref readonly short sums)
    {
        var total = 0;
        for (var i = 0; i < 16; i++) total += (sbyte)numbers[i] * Unsafe.Add(ref Unsafe.AsRef(in sums), i);
        return total;
    }
}
