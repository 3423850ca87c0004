using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Q6_K: sixteen groups of 16 columns with signed scales. Sums begin with minus 32 times those of the activations, so that over
/// eight columns they fit words, and nothing has to be subtracted afterwards. Half a block is four times 32 columns, in the low
/// and the high halves of the same bytes one after the other.
/// </summary>
/// <remarks>
/// zmm0 to zmm3 are codes, zmm8 to zmm12 low bits of the next ones, zmm26 to zmm29 and zmm13 upper bits of half a block; zmm31
/// chooses halves of bytes. zmm14, zmm15, zmm25 and zmm30 are scales.
/// </remarks>
internal sealed class FewTokensQ6_K(int tokens, FewTokensTask task) : FewTokensLong(TensorType.Q6_K, tokens, task, [zmm6, zmm7])
{
    // Of a block, in bytes: low four bits; upper two bits; scales; d in the last two of the last sixteen.
    private const int UpperPlace = 128, ScalePlace = 192, HeadPlace = 194, PartColumns = 32, HalfBytes = 64;

    // The parts of half a block in the order of passes: two in the same bytes, then the other two.
    private static readonly int[] Parts = [0, 2, 1, 3];

    private static readonly RowRegisters Low = new([zmm8, zmm9, zmm10, zmm11, zmm12], [ymm8, ymm9, ymm10, ymm11]);

    private static readonly RowRegisters Upper = new([zmm26, zmm27, zmm28, zmm29, zmm13], [ymm26, ymm27, ymm28, ymm29]);

    private static readonly AssemblerRegisterZMM[] FirstGroup = [zmm0, zmm1], SecondGroup = [zmm2, zmm3], Scaling = [zmm14, zmm15, zmm25, zmm30], Head = [zmm6];

    private Label _upperBits;

    protected override int Passes => 2 * Parts.Length;

    protected override (AssemblerRegisterZMM[] First, AssemblerRegisterZMM[] Second) Codes => (FirstGroup, SecondGroup);

    protected override ReadOnlySpan<AssemblerRegisterZMM> HeldScales => Scaling;

    protected override ReadOnlySpan<AssemblerRegisterZMM> EndRegisters => Head;

    protected override void Prepare()
    {
        Code.vmovdqu64(zmm31, __zmmword_ptr[Constant<byte>(15)]);
        _upperBits = Constant<byte>(0x30);
    }

    protected override IEnumerable<Action> Begin(AssemblerRegister64 first, AssemblerRegister64 fifth) => BeginHalf(first, fifth, 0);

    protected override IEnumerable<Action> Continue(int pass) => Parts[pass % Parts.Length] switch
    {
        2 => Transpose(Low, rsi, rdx, (pass / Parts.Length * HalfBytes) + PartColumns),
        3 => BeginHalf(rsi, rdx, 1),
        _ => [],
    };

    protected override void FormCodes(int pass)
    {
        var part = Parts[pass % Parts.Length];
        JoinBits(Low, part >= 2, Upper, 4 - (2 * part), _upperBits);
    }

    protected override (int Columns, int? Start) ActivationsOf(int pass)
    {
        var part = (pass / Parts.Length * Parts.Length) + Parts[pass % Parts.Length];
        return (part * PartColumns, FewTokensActivations.Sums + (part * 2 * sizeof(long)));
    }

    // Of each two passes the scales of two groups and of the two that lie four further.
    protected override void UnpackHeads()
    {
        LoadQuarters(ScalePlace);
        Code.vpunpcklbw(zmm2, zmm0, zmm1);
        Code.vpunpckhbw(zmm3, zmm0, zmm1);
        for (var i = 0; i < Scaling.Length; i++)
        {
            Code.vpshufb(Scaling[i], i < 2 ? zmm2 : zmm3, __zmmword_ptr[Words([0, 2, 8, 10, 1, 3, 9, 11], 4 * (i % 2), isUpper: true)]);
            Code.vpsraw(Scaling[i], Scaling[i], 8);
        }
    }

    protected override void UnpackEnd()
    {
        LoadQuarters(HeadPlace);
        Code.vpunpckhdq(zmm2, zmm0, zmm1);
        Code.vpshufd(zmm2, zmm2, 0b11_11_10_10);
        Code.vpsrld(zmm2, zmm2, 16);
        ConvertHalves(Head[0], zmm2);
    }

    protected override void Scale(int first, int second) => Code.vmulps(zmm0, zmm0, Head[0]);

    private IEnumerable<Action> BeginHalf(AssemblerRegister64 first, AssemblerRegister64 fifth, int half) =>
        [.. Transpose(Low, first, fifth, half * HalfBytes), .. Transpose(Upper, first, fifth, UpperPlace + (half * PartColumns))];
}
