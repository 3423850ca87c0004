using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels;

/// <summary>
/// The instruction sets of this processor that kernels are, or may come to be, made of; the runtime's switches take some
/// away.
/// </summary>
internal static class InstructionSets
{
    /// <summary>The names of those that were found.</summary>
    public static IReadOnlyList<string> Found { get; } = [.. Find()];

    /// <summary>Whether vectors are those of ARM.</summary>
    public static bool IsArm => AdvSimd.IsSupported;

    /// <summary>Whether a set was found.</summary>
    public static bool Has(string name) => Found.Contains(name);

    private static IEnumerable<string> Find()
    {
        if (AdvSimd.IsSupported) yield return "AdvSimd";
        if (Dp.IsSupported) yield return "Dp";
        if (!X86Base.IsSupported) yield break;
        if (Ssse3.IsSupported) yield return "SSSE3";
        if (Avx2.IsSupported) yield return "AVX2";
        if (Fma.IsSupported) yield return "FMA";
        if (AvxVnni.IsSupported) yield return "AVX-VNNI";
        if (!Avx512F.IsSupported) yield break;
        yield return "AVX-512F";
        if (Avx512BW.VL.IsSupported) yield return "AVX-512BW";
        if (Avx512DQ.IsSupported) yield return "AVX-512DQ";

        // The runtime knows nothing of these.
        var (_, _, c, d) = X86Base.CpuId(7, 0);
        if (Bit(c, 11)) yield return "AVX-512 VNNI";
        if (Bit(X86Base.CpuId(7, 1).Eax, 5)) yield return "AVX-512 BF16";
        if (Bit(d, 24) && Bit(d, 25)) yield return "AMX-INT8";
        if (Bit(d, 24) && Bit(d, 22)) yield return "AMX-BF16";
    }

    private static bool Bit(int register, int bit) => (register & (1 << bit)) != 0;
}
