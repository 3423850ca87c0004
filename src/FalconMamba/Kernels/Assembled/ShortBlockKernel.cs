using System.Runtime.InteropServices;
using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// The formats of 32 weights: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1. Two blocks fill a register.
/// What codes are too high by, or the minimums, is the sum of a block's activations times
/// one number.
/// </summary>
internal sealed class ShortBlockKernel(TensorType type, bool far) : BlockKernel(type, far)
{
    private const int Length = 32;

    // Of blocks 0 and 1, 2 and 3, 4 and 5, 6 and 7.
    private static readonly AssemblerRegisterZMM[] Products = [zmm6, zmm7, zmm8, zmm9];

    private bool HasMinimum => Info.Type is TensorType.Q4_1 or TensorType.Q5_1;

    private bool HasFifth => Info.Type is TensorType.Q5_0 or TensorType.Q5_1;

    private int CodesPlace => Info.BlockBytes - (Info.Type == TensorType.Q8_0 ? Length : Length / 2);

    protected override bool ChainsAlong => true;

    protected override void Prepare()
    {
        // Sums are multiplied with what is to be added: minus the offset, or minus one for minimums, which are subtracted.
        short offset = Info.Type switch { TensorType.Q8_0 => -128, TensorType.Q4_0 => -8, TensorType.Q5_0 => -16, _ => -1 };
        Code.vmovdqu64(zmm30, __zmmword_ptr[Kernel.Constant(MemoryMarshal.AsBytes<short>(Enumerable.Repeat(offset, 32).ToArray()))]);
        // Totals come with those of even blocks first.
        Code.vmovdqu32(ymm27, __ymmword_ptr[Kernel.Constant(MemoryMarshal.AsBytes<int>([0, 4, 1, 5, 2, 6, 3, 7]))]);
        if (Info.Type == TensorType.Q8_0)
        {
            Code.vmovdqu64(zmm31, __zmmword_ptr[Kernel.Constant([.. Enumerable.Repeat((byte)128, 64)])]);
            return;
        }

        Code.vmovdqu64(zmm31, __zmmword_ptr[Kernel.Constant([.. Enumerable.Repeat((byte)15, 64)])]);
        Code.vmovdqu64(zmm29, __zmmword_ptr[Kernel.Constant(MemoryMarshal.AsBytes<long>([0, 0, 4, 4, 0, 0, 4, 4]))]);
        if (HasFifth) Code.vmovdqu64(zmm28, __zmmword_ptr[Kernel.Constant([.. Enumerable.Repeat((byte)16, 64)])]);
    }

    protected override void Multiply()
    {
        Prefetch(0, Batch * Info.BlockBytes);
        for (var block = 0; block < Batch; block += 2)
        {
            if (Info.Type == TensorType.Q8_0) LoadBytes((block * Info.BlockBytes) + CodesPlace);
            else LoadNibbles((block * Info.BlockBytes) + CodesPlace);
            var sums = Products[block / 2];
            Code.vpxord(sums, sums, sums);
            Code.vpdpbusd(sums, zmm0, __zmmword_ptr[r8 + (Length * block)]);
        }

        // For each block the sum of its activations times the number that is to be added.
        Code.vpmaddwd(ymm12, ymm30, __ymmword_ptr[r8 + (Batch * Length)]);
    }

    protected override void Scale()
    {
        TotalsOfPairs(ymm11, Products);
        Code.vpermd(ymm11, ymm27, ymm11);
        if (!HasMinimum)
        {
            Code.vpaddd(ymm11, ymm11, ymm12);
            Code.vcvtdq2ps(ymm11, ymm11);
            LoadScales(ymm0);
            Code.vmulps(ymm0, ymm0, ymm11);
            return;
        }

        LoadScales(ymm2, ymm3);
        Code.vcvtdq2ps(ymm10, ymm12);
        Code.vmulps(ymm10, ymm10, ymm3);
        Code.vcvtdq2ps(ymm0, ymm11);
        Code.vfmsub213ps(ymm0, ymm2, ymm10);
    }

    // Signed codes become unsigned ones that are 128 higher.
    private void LoadBytes(int place)
    {
        Code.vmovdqu(ymm0, __ymmword_ptr[rsi + place]);
        Code.vinserti64x4(zmm0, zmm0, __ymmword_ptr[rsi + (place + Info.BlockBytes)], 1);
        Code.vpxord(zmm0, zmm0, zmm31);
    }

    // The low halves of sixteen bytes, then the high ones.
    private void LoadNibbles(int place)
    {
        Code.vbroadcasti128(ymm0, __xmmword_ptr[rsi + place]);
        Code.vbroadcasti128(ymm1, __xmmword_ptr[rsi + (place + Info.BlockBytes)]);
        Code.vinserti64x4(zmm0, zmm0, ymm1, 1);
        Code.vpsrlvq(zmm0, zmm0, zmm29);
        Code.vpandd(zmm0, zmm0, zmm31);
        if (!HasFifth) return;
        Code.kmovd(k1, __dword_ptr[rsi + (place - sizeof(uint))]);
        Code.kmovd(k2, __dword_ptr[rsi + (place + Info.BlockBytes - sizeof(uint))]);
        Code.kunpckdq(k1, k2, k1);
        Code.vpaddb(zmm0.k1, zmm0, zmm28);
    }

    // The totals of four pairs of eight integers each: those of the first halves, then those of the last ones.
    private void TotalsOfPairs(AssemblerRegisterYMM destination, ReadOnlySpan<AssemblerRegisterZMM> pairs)
    {
        TotalsOfLanes(pairs);
        Code.vshufi64x2(zmm1, zmm0, zmm0, 0b10_00);
        Code.vshufi64x2(zmm0, zmm0, zmm0, 0b11_01);
        Code.vpaddd(destination, ymm0, ymm1);
    }

    // The scales of eight blocks as floats; xmm1 is lost.
    private void LoadScales(AssemblerRegisterYMM destination)
    {
        Code.vpxor(xmm1, xmm1, xmm1);
        for (var i = 0; i < Batch; i++) Code.vpinsrw(xmm1, xmm1, __word_ptr[rsi + (i * Info.BlockBytes)], (byte)i);
        Code.vcvtph2ps(destination, xmm1);
    }

    // The scales of eight blocks, which begin with them, and those of their minimums behind them; ymm0 and xmm1 are lost.
    private void LoadScales(AssemblerRegisterYMM scales, AssemblerRegisterYMM minimumScales)
    {
        Load(xmm0, 0);
        Load(xmm1, Batch / 2);
        Code.vinserti128(ymm0, ymm0, xmm1, 1);
        Code.vpmovdw(xmm1, ymm0);
        Code.vcvtph2ps(scales, xmm1);
        Code.vpsrld(ymm0, ymm0, 16);
        Code.vpmovdw(xmm1, ymm0);
        Code.vcvtph2ps(minimumScales, xmm1);

        void Load(AssemblerRegisterXMM register, int first)
        {
            Code.vmovd(register, __dword_ptr[rsi + (first * Info.BlockBytes)]);
            for (var i = 1; i < Batch / 2; i++) Code.vpinsrd(register, register, __dword_ptr[rsi + ((first + i) * Info.BlockBytes)], (byte)i);
        }
    }
}
