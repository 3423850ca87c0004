using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Q4_K: eight groups of 32 columns, two of them in the low and the high halves of 32 bytes. Sums over sixteen columns of codes
/// up to 15 fit words.
/// </summary>
/// <remarks>
/// zmm0 to zmm3 and zmm8 to zmm11 are codes, zmm12 to zmm15 and zmm26 the next ones; zmm31 chooses halves of bytes. While rows
/// are streamed zmm27 and zmm28 are scales, zmm29 minimums, zmm30 d and dmin.
/// </remarks>
internal sealed class FewTokensQ4_K(int tokens, FewTokensTask task)
    : FewTokensKernel(TensorType.Q4_K, tokens, task, task == FewTokensTask.Stream ? [zmm6, zmm7, zmm25] : [zmm12, zmm13, zmm14, zmm15, zmm26, zmm27, zmm28, zmm29])
{
    private const int HeadBytes = 16, PairBytes = 32, Pairs = 4;

    private static readonly RowRegisters Next = new([zmm12, zmm13, zmm14, zmm15, zmm26], [ymm12, ymm13, ymm14, ymm15]);

    private static readonly AssemblerRegisterZMM[] Scaling = [zmm27, zmm28];

    // For the end of a block, of each row twice the minimums of four groups as words, and of the other four; all as bytes; d and dmin.
    private static readonly AssemblerRegisterZMM[] Doubled = [zmm8, zmm9];

    private static readonly AssemblerRegisterZMM Single = zmm10, Head = zmm6, MinimumHead = zmm7;

    protected override int Passes => Pairs;

    protected override ReadOnlySpan<AssemblerRegisterZMM> HeldScales => Scaling;

    protected override void Prepare() => Code.vmovdqu64(zmm31, __zmmword_ptr[Constant<byte>(15)]);

    protected override IEnumerable<Action> Begin(AssemblerRegister64 first, AssemblerRegister64 fifth) => Transpose(Next, first, fifth, HeadBytes);

    protected override void Multiply()
    {
        UnpackHeads();
        for (var pair = 0; pair < Pairs; pair++)
        {
            for (var i = 0; i < Next.Columns.Length; i++)
            {
                var (low, high) = Codes(i);
                Code.vpandd(low, zmm31, Next.Columns[i]);
                Code.vpsrlw(high, Next.Columns[i], 4);
                Code.vpandd(high, high, zmm31);
            }

            AddBeside(pair < Pairs - 1 ? Transpose(Next, rsi, rdx, HeadBytes + ((pair + 1) * PairBytes)) : Begin(r15, rbp));
            MultiplyPair(pair);
        }

        UnpackMinimums();
    }

    protected override void Fill()
    {
        for (var pair = 0; pair < Pairs; pair++) TransposeToScratch(Next, HeadBytes + (pair * PairBytes), 4 * pair);
        UnpackHeads();
        for (var i = 0; i < Scaling.Length; i++) Code.vmovdqa64(Scratch(Scales, i), Scaling[i]);
        UnpackMinimums();
        Code.vmovaps(Scratch(Heads), Head);
        for (var half = 0; half < 2; half++) Code.vmovdqa64(Scratch(GroupMinimums, half), Doubled[half]);
        Code.vmovdqa64(Scratch(GroupMinimums, 2), Single);
        Code.vmovaps(Scratch(MinimumHeads), MinimumHead);
    }

    protected override void MultiplyPanel()
    {
        for (var pair = 0; pair < Pairs; pair++)
        {
            for (var i = 0; i < 4; i++)
            {
                var (low, high) = Codes(i);
                Code.vpandd(low, zmm31, Scratch(Columns, (4 * pair) + i));
                Code.vpsrlw(high, Scratch(Columns, (4 * pair) + i), 4);
                Code.vpandd(high, high, zmm31);
            }

            MultiplyPair(pair);
        }

        Code.vmovaps(Head, Scratch(Heads));
        for (var half = 0; half < 2; half++) Code.vmovdqa64(Doubled[half], Scratch(GroupMinimums, half));
        Code.vmovdqa64(Single, Scratch(GroupMinimums, 2));
        Code.vmovaps(MinimumHead, Scratch(MinimumHeads));
    }

    // Minimums times the sums of activations, times dmin, is subtracted. A sum has a bit more than a word: it is twice its half,
    // rounded down, and the rest.
    protected override void Scale(int first, int second)
    {
        SumMinimums(zmm4, first);
        if (second != first) SumMinimums(zmm5, second);
        AddHalves(zmm2, zmm3, zmm4, second != first ? zmm5 : zmm4);
        Code.vcvtdq2ps(zmm2, zmm2);
        Code.vmulps(zmm2, zmm2, MinimumHead);
        Code.vfmsub132ps(zmm0, zmm2, Head);
    }

    // Codes of eight columns in the low halves of bytes, and of eight in the high ones.
    private static (AssemblerRegisterZMM Low, AssemblerRegisterZMM High) Codes(int i) => i switch
    {
        0 => (zmm0, zmm8),
        1 => (zmm1, zmm9),
        2 => (zmm2, zmm10),
        _ => (zmm3, zmm11),
    };

    // The sixteen bytes that a block begins with: the groups' scales; their minimums as bytes; d and dmin.
    private void UnpackHeads()
    {
        LoadQuarters(zmm0, xmm0, 0, 0);
        LoadQuarters(zmm1, xmm1, 1, 0);
        Code.vpunpckldq(zmm30, zmm0, zmm1);
        Code.vpshufd(zmm30, zmm30, 0b01_00_01_00);
        var quarters = new Quarters(Kernel);
        quarters.LoadScaleConstants(zmm8, zmm9, zmm10);
        quarters.UnpackScales(zmm0, zmm0, zmm2, zmm8, zmm9, zmm10);
        quarters.UnpackScales(zmm1, zmm1, zmm2, zmm8, zmm9, zmm10);
        Code.vpunpcklbw(zmm2, zmm0, zmm1);
        Code.vpunpckhbw(zmm29, zmm0, zmm1);
        for (var i = 0; i < Scaling.Length; i++) Code.vpshufb(Scaling[i], zmm2, __zmmword_ptr[Words(8 * i)]);
    }

    // What the end of a block takes.
    private void UnpackMinimums()
    {
        ConvertHalves(Head, zmm30);
        Code.vpsrld(zmm2, zmm30, 16);
        ConvertHalves(MinimumHead, zmm2);
        for (var half = 0; half < 2; half++)
        {
            Code.vpshufb(Doubled[half], zmm29, __zmmword_ptr[Words(8 * half)]);
            Code.vpaddw(Doubled[half], Doubled[half], Doubled[half]);
        }

        Code.vpshufb(Single, zmm29, __zmmword_ptr[Constant<byte>(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15)]);
    }

    private void SumMinimums(AssemblerRegisterZMM sum, int token)
    {
        Code.vpbroadcastq(zmm24, Part(__qword_ptr, token, FewTokensActivations.Sums));
        Code.vpmaddwd(sum, Doubled[0], zmm24);
        Code.vpbroadcastq(zmm24, Part(__qword_ptr, token, FewTokensActivations.Sums + sizeof(long)));
        Code.vpdpwssd(sum, Doubled[1], zmm24);
        Code.vpbroadcastq(zmm24, Part(__qword_ptr, token, FewTokensActivations.Odd));
        Code.vpdpbusd(sum, Single, zmm24);
    }

    private void MultiplyPair(int pair) =>
        MultiplyGroups(pair, [zmm0, zmm1, zmm2, zmm3], [zmm8, zmm9, zmm10, zmm11], pair * VectorBytes, start: null);

    // Bytes of two rows, of four groups each, as words.
    private Label Words(int first)
    {
        ReadOnlySpan<int> places = [0, 2, 4, 6, 1, 3, 5, 7];
        var bytes = new byte[2 * places.Length];
        for (var i = 0; i < places.Length; i++) (bytes[2 * i], bytes[(2 * i) + 1]) = ((byte)(first + places[i]), 0x80);
        return Constant<byte>(bytes);
    }
}
