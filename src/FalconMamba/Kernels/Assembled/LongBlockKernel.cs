using System.Runtime.InteropServices;
using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// The formats of 256 weights: Q4_K, Q5_K, Q6_K. A block is four times 64 codes of up to six bits in one register. The scales
/// of four blocks are unpacked at once, a block a quarter of a register, to words that a shuffle spreads over the products.
/// </summary>
internal sealed class LongBlockKernel(TensorType type, bool far) : BlockKernel(type, far)
{
    private const int HalfBatch = Batch / 2, Words = 32 * sizeof(short);

    private static readonly AssemblerRegisterZMM[] Products = [zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm13];

    // Of blocks 0 to 3 and of blocks 4 to 7: the bytes with d in them, and sums of minimums, or of what codes are too high by.
    private static readonly AssemblerRegisterZMM[] Heads = [zmm14, zmm15], Minimums = [zmm16, zmm17];

    // Where the words for the two runs of each 64 codes stay.
    private static readonly AssemblerRegisterZMM[] Runs = [zmm27, zmm28, zmm29, zmm30];

    private bool HasMinimum => Info.Type != TensorType.Q6_K;

    private bool HasFifth => Info.Type == TensorType.Q5_K;

    // d is in the first four bytes, or in the last two of the sixteen that end with it.
    private int Head => HasMinimum ? 0 : Info.BlockBytes - 16;

    private int HalfActivations => ArrangedActivations.BatchBytes(Info.BlockLength) / 2;

    private Quarters Quarters => new(Kernel);

    private int FactorsPlace => HalfBatch * Info.BlockLength;

    protected override void Prepare()
    {
        Quarters.LoadMasks();
        LoadConstant(zmm31, Repeat(64, 15));
        // Codes of 64 bytes: the low halves are groups 0 and 2 of four, the high ones 1 and 3. Of six bits: 0 and 1, 2 and 3.
        ReadOnlySpan<(int First, int Last)> groups = HasMinimum ? [(0, 2), (1, 3), (4, 6), (5, 7)] : [(0, 1), (2, 3), (4, 5), (6, 7)];
        for (var i = 0; i < Runs.Length; i++) LoadConstant(Runs[i], [.. Places(groups[i].First), .. Places(groups[i].Last)]);
        if (!HasMinimum)
        {
            LoadConstant(zmm26, Repeat(64, 0x30));
            LoadConstant(zmm25, Rotations(4, 2));
            LoadConstant(zmm24, Rotations(0, 62));
            return;
        }

        Quarters.LoadScaleConstants(zmm25, zmm24, zmm23);
        Code.vpxord(zmm26, zmm26, zmm26);
        if (HasFifth) LoadConstant(zmm22, Repeat(64, 16));
    }

    protected override void Multiply()
    {
        for (var half = 0; half < 2; half++)
        {
            var place = half * HalfBatch * Info.BlockBytes;
            LoadQuarters(Heads[half], place + Head);
            if (HasMinimum) UnpackScalesAndMinimums(half);
            else UnpackScales(half);
            for (var block = 0; block < HalfBatch; block++)
            {
                var sums = Products[(half * HalfBatch) + block];
                var activations = (half * HalfActivations) + (block * Info.BlockLength);
                if (HasMinimum) MultiplyNibbles(block, place, activations, sums);
                else MultiplySixBits(block, place, activations, sums);
                place += Info.BlockBytes;
            }

            Prefetch(half * HalfBatch * Info.BlockBytes, HalfBatch * Info.BlockBytes);
        }
    }

    protected override void Scale()
    {
        TotalsOfMinimums();
        if (!HasMinimum)
        {
            Code.vpslld(ymm5, ymm0, 5);
            TotalsOfEight(Products);
            Code.vpsubd(ymm0, ymm0, ymm5);
            Code.vcvtdq2ps(ymm0, ymm0);
            LoadConstant(zmm1, MemoryMarshal.AsBytes<short>([.. ScalePlaces(7), .. new short[24]]));
            Code.vpermi2w(zmm1, Heads[0], Heads[1]);
            Code.vcvtph2ps(ymm1, xmm1);
            Code.vmulps(ymm0, ymm0, ymm1);
            return;
        }

        Code.vcvtdq2ps(ymm5, ymm0);
        LoadConstant(zmm1, MemoryMarshal.AsBytes<short>([.. ScalePlaces(1), .. new short[24]]));
        Code.vpermi2w(zmm1, Heads[0], Heads[1]);
        Code.vcvtph2ps(ymm1, xmm1);
        Code.vmulps(ymm5, ymm5, ymm1);
        TotalsOfEight(Products);
        Code.vcvtdq2ps(ymm0, ymm0);
        LoadConstant(zmm1, MemoryMarshal.AsBytes<short>([.. ScalePlaces(0), .. new short[24]]));
        Code.vpermi2w(zmm1, Heads[0], Heads[1]);
        Code.vcvtph2ps(ymm1, xmm1);
        Code.vfmsub213ps(ymm0, ymm1, ymm5);
    }

    // Sixteen bytes of each of four blocks.
    private void LoadQuarters(AssemblerRegisterZMM register, int place)
    {
        Code.vmovdqu(Low(register), __xmmword_ptr[rsi + place]);
        Code.vbroadcasti32x4(register.k1, __xmmword_ptr[rsi + (place + Info.BlockBytes)]);
        Code.vbroadcasti32x4(register.k2, __xmmword_ptr[rsi + (place + (2 * Info.BlockBytes))]);
        Code.vbroadcasti32x4(register.k3, __xmmword_ptr[rsi + (place + (3 * Info.BlockBytes))]);

        static AssemblerRegisterXMM Low(AssemblerRegisterZMM register) => register == zmm14 ? xmm14 : register == zmm15 ? xmm15 : xmm0;
    }

    // Q4_K and Q5_K: d, dmin, twelve bytes of scales and minimums. Leaves scales times factors in zmm18.
    private void UnpackScalesAndMinimums(int half)
    {
        Quarters.UnpackScales(Heads[half], zmm0, zmm1, zmm25, zmm24, zmm23);
        Code.vpunpcklbw(zmm18, zmm0, zmm26);
        Code.vpunpckhbw(zmm0, zmm0, zmm26);
        var words = (half * HalfActivations) + FactorsPlace;
        Code.vpmullw(zmm18, zmm18, __zmmword_ptr[r8 + words]);
        Code.vpmaddwd(Minimums[half], zmm0, __zmmword_ptr[r8 + (words + Words)]);
        Code.vpdpwssd(Minimums[half], zmm0, __zmmword_ptr[r8 + (words + (2 * Words))]);
    }

    // Q6_K: sixteen signed scales, d. Leaves those of even groups, times factors, in zmm18, those of odd ones in zmm19.
    private void UnpackScales(int half)
    {
        LoadQuarters(zmm0, (half * HalfBatch * Info.BlockBytes) + Info.BlockBytes - 18);
        Code.vpsraw(zmm19, zmm0, 8);
        Code.vpsllw(zmm0, zmm0, 8);
        Code.vpsraw(zmm18, zmm0, 8);
        var words = (half * HalfActivations) + FactorsPlace;
        Code.vmovdqu64(zmm0, __zmmword_ptr[r8 + words]);
        Code.vpmaddwd(Minimums[half], zmm18, __zmmword_ptr[r8 + (words + Words)]);
        Code.vpdpwssd(Minimums[half], zmm19, __zmmword_ptr[r8 + (words + (2 * Words))]);
        Code.vpmullw(zmm18, zmm18, zmm0);
        Code.vpmullw(zmm19, zmm19, zmm0);
    }

    // Q4_K and Q5_K: [fifth bits,] codes behind the first sixteen bytes.
    private void MultiplyNibbles(int block, int place, int activations, AssemblerRegisterZMM sums)
    {
        Code.vshufi32x4(zmm21, zmm18, zmm18, (byte)(block * 0b01_01_01_01));
        if (HasFifth) Code.vbroadcasti64x4(zmm3, __ymmword_ptr[rsi + (place + 16)]);
        for (var run = 0; run < 4; run += 2)
        {
            Code.vmovdqu64(zmm0, __zmmword_ptr[rsi + (place + (HasFifth ? 48 : 16) + (32 * run))]);
            Code.vpsrlw(zmm1, zmm0, 4);
            Code.vpandd(zmm0, zmm0, zmm31);
            Code.vpandd(zmm1, zmm1, zmm31);
            if (HasFifth)
            {
                AddFifthBits(zmm0, 2 * run);
                AddFifthBits(zmm1, (2 * run) + 1);
            }

            Accumulate(zmm0, run, activations + (64 * run), sums);
            Accumulate(zmm1, run + 1, activations + (64 * run) + 64, sums);
        }
    }

    // The fifth bit of group g is bit g of its byte; it goes to place 4. The register holds groups g and g + 2.
    private void AddFifthBits(AssemblerRegisterZMM codes, int group)
    {
        Code.vprolvq(zmm2, zmm3, __zmmword_ptr[Kernel.Constant(Rotations((68 - group) % 64, (66 - group) % 64))]);
        Code.vpternlogd(codes, zmm2, zmm22, 0xF8);
    }

    // Q6_K: low four bits, upper two bits.
    private void MultiplySixBits(int block, int place, int activations, AssemblerRegisterZMM sums)
    {
        // Even and odd by turns, as the products of sixteen bytes are.
        long even = 2 * block, odd = even + 8;
        LoadConstant(zmm21, MemoryMarshal.AsBytes<long>([even, even + 1, odd, odd + 1, even, even + 1, odd, odd + 1]));
        Code.vpermi2q(zmm21, zmm18, zmm19);
        for (var half = 0; half < 2; half++)
        {
            Code.vmovdqu64(zmm1, __zmmword_ptr[rsi + (place + (64 * half))]);
            Code.vbroadcasti64x4(zmm3, __ymmword_ptr[rsi + (place + 128 + (32 * half))]);
            Code.vpandd(zmm0, zmm1, zmm31);
            Code.vprolvq(zmm2, zmm3, zmm25);
            Code.vpternlogd(zmm0, zmm2, zmm26, 0xF8);
            Accumulate(zmm0, 2 * half, activations + (128 * half), sums);
            Code.vpsrlq(zmm0, zmm1, 4);
            Code.vpandd(zmm0, zmm0, zmm31);
            Code.vprolvq(zmm2, zmm3, zmm24);
            Code.vpternlogd(zmm0, zmm2, zmm26, 0xF8);
            Accumulate(zmm0, (2 * half) + 1, activations + (128 * half) + 64, sums);
        }
    }

    // sums = [sums +] 64 codes times activations times the scales of their two runs.
    private void Accumulate(AssemblerRegisterZMM codes, int run, int activations, AssemblerRegisterZMM sums)
    {
        Code.vpmaddubsw(codes, codes, __zmmword_ptr[r8 + activations]);
        Code.vpshufb(zmm4, zmm21, Runs[run]);
        if (run == 0) Code.vpmaddwd(sums, codes, zmm4);
        else Code.vpdpwssd(sums, codes, zmm4);
    }

    // Leaves in ymm0 the totals of the quarters of both registers.
    private void TotalsOfMinimums()
    {
        Code.vpunpckldq(zmm0, Minimums[0], Minimums[1]);
        Code.vpunpckhdq(zmm1, Minimums[0], Minimums[1]);
        Code.vpaddd(zmm0, zmm0, zmm1);
        Code.vpshufd(zmm1, zmm0, 0b01_00_11_10);
        Code.vpaddd(zmm0, zmm0, zmm1);
        LoadConstant(zmm1, MemoryMarshal.AsBytes<int>([0, 4, 8, 12, 1, 5, 9, 13, .. new int[8]]));
        Code.vpermd(zmm0, zmm1, zmm0);
    }

    // Leaves in ymm0 the totals of eight times sixteen integers.
    private void TotalsOfEight(ReadOnlySpan<AssemblerRegisterZMM> integers)
    {
        TotalsOfLanes(integers[..4]);
        Code.vmovdqa64(zmm4, zmm0);
        TotalsOfLanes(integers[4..]);
        Code.vshufi64x2(zmm1, zmm4, zmm0, 0b10_00_10_00);
        Code.vshufi64x2(zmm0, zmm4, zmm0, 0b11_01_11_01);
        Code.vpaddd(zmm0, zmm0, zmm1);
        Code.vshufi64x2(zmm1, zmm0, zmm0, 0b10_00);
        Code.vshufi64x2(zmm0, zmm0, zmm0, 0b11_01);
        Code.vpaddd(ymm0, ymm0, ymm1);
    }

    private void LoadConstant(AssemblerRegisterZMM register, ReadOnlySpan<byte> bytes) =>
        Code.vmovdqu64(register, __zmmword_ptr[Kernel.Constant(bytes)]);

    // A word of each quarter of two registers.
    private static IEnumerable<short> ScalePlaces(int word) => Enumerable.Range(0, Batch).Select(i => (short)((8 * i) + word));

    private static byte[] Repeat(int count, byte value) => [.. Enumerable.Repeat(value, count)];

    // Where a word stays, for 32 bytes.
    private static IEnumerable<byte> Places(int word) => Enumerable.Range(0, 32).Select(i => (byte)((2 * word) + (i % 2)));

    private static byte[] Rotations(long first, long last) => [.. MemoryMarshal.AsBytes<long>([first, first, first, first, last, last, last, last])];
}
