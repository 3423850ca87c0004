using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Q5_K: the low four bits of two groups in the low and the high halves of 32 bytes, the fifth bit of all groups in the same 32
/// bytes. Sums over eight columns of codes up to 31 fit words, so that a pass takes one group in two halves.
/// </summary>
/// <remarks>
/// zmm0 to zmm3 are codes, zmm8 to zmm12 low bits of the next ones, zmm26 to zmm29 and zmm13 fifth bits; zmm31 chooses halves of
/// bytes. zmm14 and zmm15 are scales, zmm6 those of two passes, zmm25 and zmm30 what is kept for the end of a block.
/// </remarks>
internal sealed class FewTokensQ5_K(int tokens, FewTokensTask task) : FewTokensWithMinimums(TensorType.Q5_K, tokens, task, [zmm7])
{
    private const int FifthPlace = HeadBytes, LowPlace = FifthPlace + GroupColumns, GroupColumns = 32;

    private static readonly RowRegisters Low = new([zmm8, zmm9, zmm10, zmm11, zmm12], [ymm8, ymm9, ymm10, ymm11]);

    private static readonly RowRegisters Fifth = new([zmm26, zmm27, zmm28, zmm29, zmm13], [ymm26, ymm27, ymm28, ymm29]);

    private static readonly AssemblerRegisterZMM[] FirstHalf = [zmm0, zmm1], LastHalf = [zmm2, zmm3];

    private static readonly AssemblerRegisterZMM[] OfRows = [zmm14, zmm15], OfPasses = [zmm6, zmm6, zmm6, zmm6];

    private Label _fifthBits;

    protected override int Passes => Groups;

    protected override (AssemblerRegisterZMM[] First, AssemblerRegisterZMM[] Second) Codes => (FirstHalf, LastHalf);

    protected override ReadOnlySpan<AssemblerRegisterZMM> HeldScales => OfPasses;

    protected override ReadOnlySpan<AssemblerRegisterZMM> RowScales => OfRows;

    protected override (AssemblerRegisterZMM Minimums, AssemblerRegisterZMM Heads) Kept => (zmm25, zmm30);

    protected override (AssemblerRegisterZMM First, AssemblerRegisterZMM Last, AssemblerRegisterZMM Single) GroupMinimums => (zmm14, zmm15, zmm25);

    protected override void Prepare()
    {
        Code.vmovdqu64(zmm31, __zmmword_ptr[Constant<byte>(15)]);
        _fifthBits = Constant<byte>(16);
    }

    protected override IEnumerable<Action> Begin(AssemblerRegister64 first, AssemblerRegister64 fifth) =>
        [.. Transpose(Low, first, fifth, LowPlace), .. Transpose(Fifth, first, fifth, FifthPlace)];

    protected override IEnumerable<Action> Continue(int pass) => pass % 2 == 0 ? [] : Transpose(Low, rsi, rdx, LowPlace + ((pass + 1) / 2 * GroupColumns));

    protected override void FormCodes(int pass)
    {
        if (pass % 2 == 0) SpreadScales(pass / 2);
        JoinBits(Low, pass % 2 == 1, Fifth, 4 - pass, _fifthBits);
    }

    protected override (int Columns, int? Start) ActivationsOf(int pass) => (pass * GroupColumns, null);

    // The scales of two groups, twice each, since both halves of a group have the same.
    private void SpreadScales(int pair)
    {
        var places = Enumerable.Range(0, 16).Select(i => (byte)((i / 8 * 8) + (pair % 2 * 4) + (i % 8 / 4 * 2) + (i % 2)));
        Code.vpshufb(OfPasses[pair], OfRows[pair / 2], __zmmword_ptr[Constant<byte>([.. places])]);
    }
}
