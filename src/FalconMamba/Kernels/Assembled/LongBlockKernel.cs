using System.Runtime.InteropServices;
using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// The formats of 256 weights: Q4_K, Q5_K, Q6_K. A block is four times 64 codes of up to six bits in one register, its groups'
/// scales are words that a shuffle spreads over the products.
/// </summary>
internal sealed class LongBlockKernel(TensorType type) : BlockKernel(type)
{
    private static readonly AssemblerRegisterZMM[] Products = [zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm13];

    // Those of blocks 0 to 3 in the first halves, those of blocks 4 to 7 in the last ones.
    private static readonly AssemblerRegisterZMM[] Minimums = [zmm14, zmm15, zmm16, zmm17];

    // Where the words of the two runs of pairs 0 to 3 stay.
    private static readonly AssemblerRegisterZMM[] Runs = [zmm27, zmm28, zmm29, zmm30];

    private bool HasMinimum => Info.Type != TensorType.Q6_K;

    protected override void Prepare()
    {
        Code.vmovdqu64(zmm31, __zmmword_ptr[Kernel.Constant(Repeat(64, 15))]);
        for (byte pair = 0; pair < 4; pair++)
        {
            byte a = (byte)(4 * pair), b = (byte)(a + 2);
            Code.vmovdqu64(Runs[pair], __zmmword_ptr[Kernel.Constant([.. Words(16, a), .. Words(16, b)])]);
        }

        switch (Info.Type)
        {
            case TensorType.Q6_K:
                Code.vmovdqu64(zmm26, __zmmword_ptr[Kernel.Constant(Repeat(64, 0x30))]);
                Code.vmovdqu64(zmm25, __zmmword_ptr[Kernel.Constant(Rotations(4, 2))]);
                Code.vmovdqu64(zmm24, __zmmword_ptr[Kernel.Constant(Rotations(0, 62))]);
                Code.vmovdqu32(xmm23, __xmmword_ptr[Kernel.Constant(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15)]);
                break;
            default:
                Code.vmovdqu64(zmm26, __zmmword_ptr[Kernel.Constant(Rotations(0, 60))]);
                Code.vmovdqu32(xmm25, __xmmword_ptr[Kernel.Constant(MemoryMarshal.AsBytes<uint>([0, 0, 0, 4]))]);
                Code.vmovdqu32(xmm24, __xmmword_ptr[Kernel.Constant(MemoryMarshal.AsBytes<uint>([0x3F3F3F3F, 0x0F0F0F0F, 0x3F3F3F3F, 0x0F0F0F0F]))]);
                Code.vmovdqu32(xmm23, __xmmword_ptr[Kernel.Constant(MemoryMarshal.AsBytes<uint>([0, 0x30303030, 0, 0x30303030]))]);
                if (Info.Type != TensorType.Q5_K) break;
                Code.vmovdqu64(zmm22, __zmmword_ptr[Kernel.Constant(Repeat(64, 16))]);
                break;
        }
    }

    protected override void Multiply()
    {
        for (var block = 0; block < Batch; block++)
        {
            var stay = Code.CreateLabel();
            var place = block * Info.BlockBytes;
            Code.vpmovzxbw(xmm2, __qword_ptr[r9]);
            if (HasMinimum) MultiplyWithMinimum(block, place);
            else MultiplySixBits(block, place);
            Prefetch(place, Info.BlockBytes);
            Code.add(r8, Info.BlockLength);
            Code.add(r9, Info.BlockLength / ActivationQuantizer.Group);
            Code.add(r10, Info.BlockLength / 16 * sizeof(short));
            Code.dec(rdx);
            Code.jnz(stay);
            LoadActivations();
            Code.Label(ref stay);
        }
    }

    protected override void Scale()
    {
        if (!HasMinimum)
        {
            TotalsOfEight(ymm0, Products);
            Code.vcvtdq2ps(ymm0, ymm0);
            LoadScales(ymm1, Info.BlockBytes - sizeof(ushort));
            Code.vmulps(ymm0, ymm0, ymm1);
            return;
        }

        TotalsOfPairs(ymm5, Minimums);
        Code.vcvtdq2ps(ymm5, ymm5);
        LoadScales(ymm2, ymm3);
        Code.vmulps(ymm5, ymm5, ymm3);
        Code.vmovaps(ymm14, ymm2);
        TotalsOfEight(ymm0, Products);
        Code.vcvtdq2ps(ymm0, ymm0);
        Code.vfmsub213ps(ymm0, ymm14, ymm5);
    }

    // Q4_K and Q5_K: d, dmin, twelve bytes of scales and minimums, [fifth bits,] codes.
    private void MultiplyWithMinimum(int block, int place)
    {
        // Eight scales, then eight minimums: see GroupScales.
        Code.vpshufd(xmm0, __xmmword_ptr[rsi + (place + 4)], 0b10_01_10_00);
        Code.vpshufd(xmm1, __xmmword_ptr[rsi + (place + 4)], 0b01_01_00_00);
        Code.vpsrlvd(xmm18, xmm0, xmm25);
        Code.vpandd(xmm18, xmm18, xmm24);
        Code.vpsrld(xmm1, xmm1, 2);
        Code.vpternlogd(xmm18, xmm1, xmm23, 0xF8);
        Code.vpmovzxbw(ymm0, xmm18);
        Code.vpmullw(xmm1, xmm2, xmm0);
        Code.vshufi32x4(zmm18, zmm1, zmm1, 0);
        Code.vpermq(ymm0, ymm0, 0b11_10_11_10);
        Code.vpmaddwd(ymm0, ymm0, __ymmword_ptr[r10]);
        if (block < Batch / 2) Code.vmovdqa64(Minimums[block], zmm0);
        else Code.vinserti64x4(Minimums[block - (Batch / 2)], Minimums[block - (Batch / 2)], ymm0, 1);

        var hasFifth = Info.Type == TensorType.Q5_K;
        var codes = hasFifth ? 48 : 16;
        // The fifth bit of run g is bit g of its byte; it goes to place 4.
        Label[] fifths = [.. hasFifth ? Enumerable.Range(0, 4).Select(pair => Kernel.Constant(Rotations((68 - (2 * pair)) % 64, (67 - (2 * pair)) % 64))) : []];
        if (hasFifth) Code.vbroadcasti64x4(zmm1, __ymmword_ptr[rsi + (place + 16)]);
        for (var pair = 0; pair < 4; pair++)
        {
            Code.vbroadcasti64x4(zmm0, __ymmword_ptr[rsi + (place + codes + (32 * pair))]);
            Code.vprolvq(zmm0, zmm0, zmm26);
            Code.vpandd(zmm0, zmm0, zmm31);
            if (hasFifth)
            {
                Code.vprolvq(zmm3, zmm1, __zmmword_ptr[fifths[pair]]);
                Code.vpternlogd(zmm0, zmm3, zmm22, 0xF8);
            }

            Accumulate(pair, 64 * pair, Products[block]);
        }
    }

    // Q6_K: low four bits, upper two bits, sixteen scales, d.
    private void MultiplySixBits(int block, int place)
    {
        Code.vmovdqu(xmm0, __xmmword_ptr[rsi + (place + 192)]);
        Code.vpshufb(xmm0, xmm0, xmm23);
        Code.vpmovsxbw(ymm0, xmm0);
        Code.vinserti128(ymm2, ymm2, xmm2, 1);
        Code.vpmullw(ymm1, ymm2, ymm0);
        Code.vshufi64x2(zmm18, zmm1, zmm1, 0b01_00_01_00);
        Code.vpmaddwd(ymm19, ymm0, __ymmword_ptr[r10]);
        Code.vpslld(ymm19, ymm19, 5);
        for (var half = 0; half < 2; half++)
        {
            Code.vmovdqu64(zmm1, __zmmword_ptr[rsi + (place + 64 * half)]);
            Code.vbroadcasti64x4(zmm3, __ymmword_ptr[rsi + (place + 128 + (32 * half))]);
            Code.vpandd(zmm0, zmm1, zmm31);
            Code.vprolvq(zmm20, zmm3, zmm25);
            Code.vpternlogd(zmm0, zmm20, zmm26, 0xF8);
            Accumulate(2 * half, 128 * half, Products[block]);
            Code.vpsrlq(zmm0, zmm1, 4);
            Code.vpandd(zmm0, zmm0, zmm31);
            Code.vprolvq(zmm20, zmm3, zmm24);
            Code.vpternlogd(zmm0, zmm20, zmm26, 0xF8);
            Accumulate((2 * half) + 1, (128 * half) + 64, Products[block]);
        }

        Code.vpsubd(Products[block], Products[block], zmm19);
    }

    // sums = [sums +] 64 codes in zmm0 times activations times the scales of the pair in zmm18.
    private void Accumulate(int pair, int activations, AssemblerRegisterZMM sums)
    {
        Code.vpmaddubsw(zmm0, zmm0, __zmmword_ptr[r8 + activations]);
        Code.vpshufb(zmm4, zmm18, Runs[pair]);
        if (pair == 0) Code.vpmaddwd(sums, zmm0, zmm4);
        else Code.vpdpwssd(sums, zmm0, zmm4);
    }

    private static byte[] Repeat(int count, byte value) => [.. Enumerable.Repeat(value, count)];

    private static IEnumerable<byte> Words(int count, byte place) => Enumerable.Range(0, 2 * count).Select(i => (byte)(place + (i % 2)));

    private static byte[] Rotations(long first, long last) => [.. MemoryMarshal.AsBytes<long>([first, first, first, first, last, last, last, last])];
}
