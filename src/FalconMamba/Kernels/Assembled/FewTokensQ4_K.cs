using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Q4_K: eight groups of 32 columns, two of them in the low and the high halves of 32 bytes. Sums over sixteen columns of codes
/// up to 15 fit words.
/// </summary>
internal sealed class FewTokensQ4_K(int tokens, FewTokensTask task) : FewTokensKernel(TensorType.Q4_K, tokens, task)
{
    private const int HeadBytes = 16, Pairs = 4;

    // Of each row twice the minimums of four groups as words, and of the other four; all as bytes.
    private static readonly AssemblerRegisterZMM[] Doubled = [zmm4, zmm5];

    private static readonly AssemblerRegisterZMM Single = zmm6;

    private static readonly AssemblerRegisterZMM[] ForTransposition = [zmm12, zmm13, zmm14, zmm15, zmm26, zmm27, zmm28, zmm29, zmm30];

    protected override int Passes => Pairs;

    protected override ReadOnlySpan<AssemblerRegisterZMM> TranspositionRegisters => ForTransposition;

    protected override void Prepare() => Code.vmovdqu64(zmm31, __zmmword_ptr[Constant<byte>(15)]);

    protected override IEnumerable<Action> Begin(AssemblerRegister64 first, AssemblerRegister64 fifth) =>
        Transpose(first, fifth, HeadBytes, FirstColumns);

    protected override void Multiply()
    {
        UnpackHeads();
        SumMinimums();
        AddBeside(Transpose(rsi, rdx, HeadBytes + VectorBytes, LastColumns), Pairs / 2);
        for (var pair = 0; pair < Pairs / 2; pair++) MultiplyPair(pair, FirstColumns + (4 * pair * VectorBytes));
        AddBeside(Begin(r15, rbp), Pairs / 2);
        for (var pair = 0; pair < Pairs / 2; pair++) MultiplyPair((Pairs / 2) + pair, LastColumns + (4 * pair * VectorBytes));
    }

    protected override void Fill()
    {
        foreach (var step in Begin(rsi, rdx)) step();
        foreach (var step in Transpose(rsi, rdx, HeadBytes + VectorBytes, LastColumns)) step();
        UnpackHeads();
        for (var half = 0; half < 2; half++) Code.vmovdqa64(Scratch(GroupMinimums, half), Doubled[half]);
        Code.vmovdqa64(Scratch(GroupMinimums, 2), Single);
        Code.vmovaps(Scratch(MinimumHeads), zmm15);
    }

    protected override void MultiplyPanel()
    {
        for (var half = 0; half < 2; half++) Code.vmovdqa64(Doubled[half], Scratch(GroupMinimums, half));
        Code.vmovdqa64(Single, Scratch(GroupMinimums, 2));
        Code.vmovaps(zmm15, Scratch(MinimumHeads));
        SumMinimums();
        for (var pair = 0; pair < Pairs; pair++) MultiplyPair(pair, (pair < 2 ? FirstColumns : LastColumns) + (pair % 2 * 4 * VectorBytes));
    }

    protected override void Scale(int two)
    {
        Code.vmovaps(zmm1, Scratch(Minimums, two));
        Code.vfmsub132ps(zmm0, zmm1, Scratch(Heads));
    }

    // The sixteen bytes that a block begins with: d, the groups' scales; their minimums and dmin in registers.
    private void UnpackHeads()
    {
        LoadQuarters(zmm0, xmm0, 0, 0);
        LoadQuarters(zmm1, xmm1, 1, 0);
        Code.vpunpckldq(zmm2, zmm0, zmm1);
        Code.vpshufd(zmm2, zmm2, 0b01_00_01_00);
        ConvertHalves(zmm4, zmm2);
        Code.vmovaps(Scratch(Heads), zmm4);
        Code.vpsrld(zmm2, zmm2, 16);
        ConvertHalves(zmm15, zmm2);
        Quarters.LoadScaleConstants(zmm4, zmm5, zmm6);
        Quarters.UnpackScales(zmm0, zmm0, zmm2, zmm4, zmm5, zmm6);
        Quarters.UnpackScales(zmm1, zmm1, zmm2, zmm4, zmm5, zmm6);
        Code.vpunpcklbw(zmm2, zmm0, zmm1);
        Code.vpunpckhbw(zmm3, zmm0, zmm1);
        for (var pair = 0; pair < Pairs; pair++)
        {
            Code.vpshufb(zmm0, zmm2, __zmmword_ptr[Words(4 * pair, 0, 2, 0, 2, 1, 3, 1, 3)]);
            Code.vmovdqa64(Scratch(Scales, pair), zmm0);
        }

        for (var half = 0; half < 2; half++)
        {
            Code.vpshufb(Doubled[half], zmm3, __zmmword_ptr[Words(8 * half, 0, 2, 4, 6, 1, 3, 5, 7)]);
            Code.vpaddw(Doubled[half], Doubled[half], Doubled[half]);
        }

        Code.vpshufb(Single, zmm3, __zmmword_ptr[Constant<byte>(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15)]);
    }

    // Minimums times the sums of activations, times dmin, which is in zmm15. A sum has a bit more than a word: it is twice its
    // half, rounded down, and the rest.
    private void SumMinimums()
    {
        for (var token = 0; token < Tokens; token++)
        {
            Code.vpbroadcastq(zmm24, Part(__qword_ptr, token, FewTokensActivations.Sums));
            Code.vpmaddwd(Totals[token], Doubled[0], zmm24);
            Code.vpbroadcastq(zmm25, Part(__qword_ptr, token, FewTokensActivations.Sums + sizeof(long)));
            Code.vpdpwssd(Totals[token], Doubled[1], zmm25);
            Code.vpbroadcastq(zmm24, Part(__qword_ptr, token, FewTokensActivations.Odd));
            Code.vpdpbusd(Totals[token], Single, zmm24);
        }

        for (var two = 0; two < Twos; two++)
        {
            TotalsOfTwo(two);
            Code.vcvtdq2ps(zmm0, zmm0);
            Code.vmulps(zmm0, zmm0, zmm15);
            Code.vmovaps(Scratch(Minimums, two), zmm0);
        }
    }

    private void MultiplyPair(int pair, int columns)
    {
        ReadOnlySpan<AssemblerRegisterZMM> low = [zmm0, zmm1, zmm2, zmm3], high = [zmm8, zmm9, zmm10, zmm11];
        for (var i = 0; i < low.Length; i++)
        {
            Code.vpandd(low[i], zmm31, Scratch(columns, i));
            Code.vpsrlw(high[i], Scratch(columns, i), 4);
            Code.vpandd(high[i], high[i], zmm31);
        }

        MultiplyGroups(pair, low, high, pair * VectorBytes, start: null);
    }

    // Bytes of each quarter as words.
    private Label Words(int first, params ReadOnlySpan<int> places)
    {
        var bytes = new byte[2 * places.Length];
        for (var i = 0; i < places.Length; i++) (bytes[2 * i], bytes[(2 * i) + 1]) = ((byte)(first + places[i]), 0x80);
        return Constant<byte>(bytes);
    }
}
