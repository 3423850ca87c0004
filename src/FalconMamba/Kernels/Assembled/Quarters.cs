using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>Code for registers of which each quarter belongs to another block: k1 to k3 choose the second to the fourth.</summary>
internal readonly struct Quarters(KernelAssembler kernel)
{
    private Assembler Code => kernel.Code;

    /// <summary>The same sixteen bytes for each quarter.</summary>
    public static byte[] Repeat(params ReadOnlySpan<uint> quarter) => [.. MemoryMarshal.AsBytes<uint>([.. quarter, .. quarter, .. quarter, .. quarter])];

    /// <summary>Sets the masks; ebp is lost.</summary>
    public void LoadMasks()
    {
        foreach (var (mask, bits) in (ReadOnlySpan<(AssemblerRegisterK, uint)>)[(k1, 0x00F0), (k2, 0x0F00), (k3, 0xF000)])
        {
            Code.mov(ebp, bits);
            Code.kmovd(mask, ebp);
        }
    }

    /// <summary>Loads the constants of <see cref="UnpackScales"/>.</summary>
    public void LoadScaleConstants(AssemblerRegisterZMM shifts, AssemblerRegisterZMM low, AssemblerRegisterZMM upper)
    {
        Code.vmovdqu64(shifts, __zmmword_ptr[kernel.Constant(Repeat(0, 0, 0, 4))]);
        Code.vmovdqu64(low, __zmmword_ptr[kernel.Constant(Repeat(0x3F3F3F3F, 0x0F0F0F0F, 0x3F3F3F3F, 0x0F0F0F0F))]);
        Code.vmovdqu64(upper, __zmmword_ptr[kernel.Constant(Repeat(0, 0x30303030, 0, 0x30303030))]);
    }

    /// <summary>The eight scales and then the eight minimums of four blocks of Q4_K or Q5_K, a byte each: see <see cref="Quantization.GroupScales"/>.</summary>
    /// <param name="heads">The sixteen bytes that each block begins with.</param>
    /// <param name="bytes">Where the result goes; may be the same register.</param>
    /// <param name="scratch">A register that is lost.</param>
    /// <param name="shifts">A constant, as are the last two.</param>
    /// <param name="low">The low bits of each number.</param>
    /// <param name="upper">The upper bits of the last numbers.</param>
    public void UnpackScales(
        AssemblerRegisterZMM heads, AssemblerRegisterZMM bytes, AssemblerRegisterZMM scratch, AssemblerRegisterZMM shifts, AssemblerRegisterZMM low, AssemblerRegisterZMM upper)
    {
        Code.vpshufd(scratch, heads, 0b10_10_01_01);
        Code.vpshufd(bytes, heads, 0b11_10_11_01);
        Code.vpsrlvd(bytes, bytes, shifts);
        Code.vpandd(bytes, bytes, low);
        Code.vpsrld(scratch, scratch, 2);
        Code.vpternlogd(bytes, scratch, upper, 0xF8);
    }
}
