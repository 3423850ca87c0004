using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Q4_K and Q5_K: eight groups of 32 columns, of whose codes times scales their minimums are subtracted. A block begins with d
/// and dmin, and scales and minimums of six bits.
/// </summary>
internal abstract class FewTokensWithMinimums : FewTokensLong
{
    /// <summary>The bytes before a block's codes.</summary>
    protected const int HeadBytes = 16;

    protected const int Groups = 8;

    protected FewTokensWithMinimums(TensorType type, int tokens, FewTokensTask task, ReadOnlySpan<AssemblerRegisterZMM> spare)
        : base(type, tokens, task, spare)
    {
    }

    /// <summary>Of each row the scales of four groups as words, and of the other four.</summary>
    protected abstract ReadOnlySpan<AssemblerRegisterZMM> RowScales { get; }

    /// <summary>What is kept for the end of a block: minimums as bytes; d and dmin.</summary>
    protected abstract (AssemblerRegisterZMM Minimums, AssemblerRegisterZMM Heads) Kept { get; }

    /// <summary>For the end of a block, of each row twice the minimums of four groups as words, and of the other four; all as bytes.</summary>
    protected abstract (AssemblerRegisterZMM First, AssemblerRegisterZMM Last, AssemblerRegisterZMM Single) GroupMinimums { get; }

    protected override ReadOnlySpan<AssemblerRegisterZMM> EndRegisters => (AssemblerRegisterZMM[])[Head, MinimumHead, GroupMinimums.First, GroupMinimums.Last, GroupMinimums.Single];

    private static AssemblerRegisterZMM Head => zmm6;

    private static AssemblerRegisterZMM MinimumHead => zmm7;

    // The sixteen bytes that a block begins with; zmm0 to zmm5 are free.
    protected override void UnpackHeads()
    {
        LoadQuarters(0);
        Code.vpunpckldq(Kept.Heads, zmm0, zmm1);
        Code.vpshufd(Kept.Heads, Kept.Heads, 0b01_01_00_00);
        var quarters = new Quarters(Kernel);
        quarters.LoadScaleConstants(zmm3, zmm4, zmm5);
        quarters.UnpackScales(zmm0, zmm0, zmm2, zmm3, zmm4, zmm5);
        quarters.UnpackScales(zmm1, zmm1, zmm2, zmm3, zmm4, zmm5);
        Code.vpunpcklbw(zmm2, zmm0, zmm1);
        Code.vpunpckhbw(Kept.Minimums, zmm0, zmm1);
        for (var i = 0; i < RowScales.Length; i++) Code.vpshufb(RowScales[i], zmm2, __zmmword_ptr[Words(8 * i)]);
    }

    protected override void UnpackEnd()
    {
        ConvertHalves(Head, Kept.Heads);
        Code.vpsrld(zmm2, Kept.Heads, 16);
        ConvertHalves(MinimumHead, zmm2);
        var (first, last, single) = GroupMinimums;
        Code.vpshufb(first, Kept.Minimums, __zmmword_ptr[Words(0)]);
        Code.vpaddw(first, first, first);
        Code.vpshufb(last, Kept.Minimums, __zmmword_ptr[Words(8)]);
        Code.vpaddw(last, last, last);
        Code.vpshufb(single, Kept.Minimums, __zmmword_ptr[Constant<byte>(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15)]);
    }

    // Minimums times the sums of activations, times dmin, is subtracted.
    protected override void Scale(int first, int second)
    {
        SumMinimums(zmm4, first);
        if (second != first) SumMinimums(zmm5, second);
        AddHalves(zmm2, zmm3, zmm4, second != first ? zmm5 : zmm4);
        Code.vcvtdq2ps(zmm2, zmm2);
        Code.vmulps(zmm2, zmm2, MinimumHead);
        Code.vfmsub132ps(zmm0, zmm2, Head);
    }

    // A sum has a bit more than a word: it is twice its half, rounded down, and the rest.
    private void SumMinimums(AssemblerRegisterZMM sum, int token)
    {
        Code.vpbroadcastq(zmm24, Part(token, FewTokensActivations.Sums));
        Code.vpmaddwd(sum, GroupMinimums.First, zmm24);
        Code.vpbroadcastq(zmm24, Part(token, FewTokensActivations.Sums + sizeof(long)));
        Code.vpdpwssd(sum, GroupMinimums.Last, zmm24);
        Code.vpbroadcastq(zmm24, Part(token, FewTokensActivations.Odd));
        Code.vpdpbusd(sum, GroupMinimums.Single, zmm24);
    }

    // Of two rows the bytes of four groups, as words.
    private Label Words(int first) => Words([0, 2, 4, 6, 1, 3, 5, 7], first, isUpper: false);
}
