using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>Q4_K: two groups in the low and the high halves of 32 bytes. Sums over sixteen columns of codes up to 15 fit words.</summary>
/// <remarks>
/// zmm0 to zmm3 and zmm8 to zmm11 are codes, zmm12 to zmm15 and zmm26 the next ones; zmm31 chooses halves of bytes. zmm27 and
/// zmm28 are scales, zmm29 and zmm30 what is kept for the end of a block.
/// </remarks>
internal sealed class FewTokensQ4_K(int tokens, FewTokensTask task) : FewTokensWithMinimums(TensorType.Q4_K, tokens, task, [zmm6, zmm7, zmm25])
{
    private const int PairBytes = 32;

    private static readonly RowRegisters Next = new([zmm12, zmm13, zmm14, zmm15, zmm26], [ymm12, ymm13, ymm14, ymm15]);

    private static readonly AssemblerRegisterZMM[] Low = [zmm0, zmm1, zmm2, zmm3], High = [zmm8, zmm9, zmm10, zmm11], Scaling = [zmm27, zmm28];

    protected override int Passes => Groups / 2;

    protected override (AssemblerRegisterZMM[] First, AssemblerRegisterZMM[] Second) Codes => (Low, High);

    protected override ReadOnlySpan<AssemblerRegisterZMM> HeldScales => Scaling;

    protected override ReadOnlySpan<AssemblerRegisterZMM> RowScales => Scaling;

    protected override (AssemblerRegisterZMM Minimums, AssemblerRegisterZMM Heads) Kept => (zmm29, zmm30);

    protected override (AssemblerRegisterZMM First, AssemblerRegisterZMM Last, AssemblerRegisterZMM Single) GroupMinimums => (zmm8, zmm9, zmm10);

    protected override void Prepare() => Code.vmovdqu64(zmm31, __zmmword_ptr[Constant<byte>(15)]);

    protected override IEnumerable<Action> Begin(AssemblerRegister64 first, AssemblerRegister64 fifth) => Transpose(Next, first, fifth, HeadBytes);

    protected override IEnumerable<Action> Continue(int pass) => Transpose(Next, rsi, rdx, HeadBytes + ((pass + 1) * PairBytes));

    protected override void FormCodes(int pass)
    {
        for (var i = 0; i < Low.Length; i++)
        {
            Code.vpandd(Low[i], zmm31, Next.Columns[i]);
            Code.vpsrlw(High[i], Next.Columns[i], 4);
            Code.vpandd(High[i], High[i], zmm31);
        }
    }

    protected override (int Columns, int? Start) ActivationsOf(int pass) => (pass * 2 * PairBytes, null);
}
