using System.Collections.Concurrent;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// The product of a type on registers alone, as often as the first of its arguments says: what no kernel of such instructions
/// can be faster than.
/// </summary>
internal static class PeakKernel
{
    /// <summary>The instructions of a turn, each of which adds to sums of its own.</summary>
    public const int Chains = 16;

    private static readonly ConcurrentDictionary<PeakProduct, nint> Loaded = [];

    /// <summary>The kernel, assembled when it is first asked for.</summary>
    /// <returns>The function, or null if the processor lacks the instruction or the system allows no code to be made.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(PeakProduct product) =>
        KernelAssembler.IsSupported && (product != PeakProduct.BFloat16 || KernelAssembler.HasBFloat16)
            ? (delegate* unmanaged[Cdecl]<void*, void>)Loaded.GetOrAdd(product, static product => (nint)Assemble(product))
            : null;

    /// <summary>Multiplications and additions of an instruction, together.</summary>
    public static int Operations(PeakProduct product) => product == PeakProduct.Int8 ? 128 : 64;

    private static unsafe delegate* unmanaged[Cdecl]<void*, void> Assemble(PeakProduct product)
    {
        AssemblerRegisterZMM[] sums = [zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm13, zmm14, zmm15];
        var kernel = new KernelAssembler();
        var code = kernel.Code;
        var turn = code.CreateLabel();
        code.mov(rcx, __qword_ptr[rdi]);
        foreach (var register in (AssemblerRegisterZMM[])[.. sums, zmm30, zmm31]) code.vpxord(register, register, register);
        code.Label(ref turn);
        foreach (var sum in sums)
        {
            if (product == PeakProduct.Int8) code.vpdpbusd(sum, zmm30, zmm31);
            else code.vdpbf16ps(sum, zmm30, zmm31);
        }

        code.dec(rcx);
        code.jnz(turn);
        return kernel.Load();
    }
}

/// <summary>The types of numbers that are multiplied by instructions which the runtime does not offer.</summary>
internal enum PeakProduct
{
    /// <summary>Bytes, four products a sum.</summary>
    Int8,

    /// <summary>bfloat16, two products a sum.</summary>
    BFloat16,
}
