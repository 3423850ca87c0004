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
/// chooses halves of bytes. While rows are streamed zmm14, zmm15, zmm25 and zmm30 are scales.
/// </remarks>
internal sealed class FewTokensQ6_K(int tokens, FewTokensTask task)
    : FewTokensKernel(TensorType.Q6_K, tokens, task, task == FewTokensTask.Stream ? [zmm6, zmm7] : [zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm14])
{
    // Of a block, in bytes: low four bits; upper two bits; scales; d in the last two of the last sixteen.
    private const int UpperPlace = 128, ScalePlace = 192, HeadPlace = 194, PartBytes = 32;

    // The parts of half a block in the order of passes: two in the same bytes, then the other two.
    private static readonly int[] Parts = [0, 2, 1, 3];

    private static readonly RowRegisters Low = new([zmm8, zmm9, zmm10, zmm11, zmm12], [ymm8, ymm9, ymm10, ymm11]);

    private static readonly RowRegisters Upper = new([zmm26, zmm27, zmm28, zmm29, zmm13], [ymm26, ymm27, ymm28, ymm29]);

    private static readonly AssemblerRegisterZMM[] Scaling = [zmm14, zmm15, zmm25, zmm30];

    private static readonly AssemblerRegisterZMM Head = zmm6;

    private Label _upperBits;

    protected override int Passes => 2 * Parts.Length;

    protected override ReadOnlySpan<AssemblerRegisterZMM> HeldScales => Scaling;

    protected override void Prepare()
    {
        Code.vmovdqu64(zmm31, __zmmword_ptr[Constant<byte>(15)]);
        _upperBits = Constant<byte>(0x30);
    }

    protected override IEnumerable<Action> Begin(AssemblerRegister64 first, AssemblerRegister64 fifth) => BeginHalf(first, fifth, 0);

    protected override void Multiply()
    {
        UnpackScales();
        for (var pass = 0; pass < Passes; pass++)
        {
            var (half, part) = (pass / Parts.Length, Parts[pass % Parts.Length]);
            FormCodes(part, scratch: null);
            // Whose last codes are formed makes room for the next.
            if (part == 2) AddBeside(Transpose(Low, rsi, rdx, (half * VectorBytes) + PartBytes));
            else if (part == 3) AddBeside(half == 0 ? BeginHalf(rsi, rdx, 1) : Begin(r15, rbp));
            MultiplyPart(pass, half, part);
        }

        UnpackHead();
    }

    protected override void Fill()
    {
        for (var half = 0; half < 2; half++)
        {
            for (var i = 0; i < 2; i++) TransposeToScratch(Low, (half * VectorBytes) + (i * PartBytes), LowVector(half, i));
            TransposeToScratch(Upper, UpperPlace + (half * PartBytes), UpperVector(half));
        }

        UnpackScales();
        for (var i = 0; i < Scaling.Length; i++) Code.vmovdqa64(Scratch(Scales, i), Scaling[i]);
        UnpackHead();
        Code.vmovaps(Scratch(Heads), Head);
    }

    protected override void MultiplyPanel()
    {
        for (var pass = 0; pass < Passes; pass++)
        {
            var (half, part) = (pass / Parts.Length, Parts[pass % Parts.Length]);
            if (part == 0) for (var i = 0; i < Upper.Columns.Length; i++) Code.vmovdqa64(Upper.Columns[i], Scratch(Columns, UpperVector(half) + i));
            FormCodes(part, LowVector(half, part));
            MultiplyPart(pass, half, part);
        }

        Code.vmovaps(Head, Scratch(Heads));
    }

    protected override void Scale(int first, int second) => Code.vmulps(zmm0, zmm0, Head);

    // In a panel, where the low bits of two parts begin, and the upper ones of half a block.
    private static int LowVector(int half, int part) => (8 * half) + (4 * (part % 2));

    private static int UpperVector(int half) => 16 + (4 * half);

    private IEnumerable<Action> BeginHalf(AssemblerRegister64 first, AssemblerRegister64 fifth, int half) =>
        [.. Transpose(Low, first, fifth, half * VectorBytes), .. Transpose(Upper, first, fifth, UpperPlace + (half * PartBytes))];

    // Of a part, from registers or from the scratch.
    private void FormCodes(int part, int? scratch)
    {
        ReadOnlySpan<AssemblerRegisterZMM> codes = [zmm0, zmm1, zmm2, zmm3];
        for (var i = 0; i < codes.Length; i++)
        {
            var (code, low, upper) = (codes[i], Low.Columns[i], Upper.Columns[i]);
            if (scratch is { } vector)
            {
                if (part < 2) Code.vpandd(code, zmm31, Scratch(Columns, vector + i));
                else Code.vpsrlw(code, Scratch(Columns, vector + i), 4);
            }
            else
            {
                if (part < 2) Code.vpandd(code, zmm31, low);
                else Code.vpsrlw(code, low, 4);
            }

            if (part >= 2) Code.vpandd(code, code, zmm31);
            switch (part)
            {
                case 0: Code.vpsllw(zmm24, upper, 4); break;
                case 1: Code.vpsllw(zmm24, upper, 2); break;
                case 3: Code.vpsrlw(zmm24, upper, 2); break;
            }

            Code.vpternlogd(code, part == 2 ? upper : zmm24, __zmmword_ptr[_upperBits], 0xF8);
        }
    }

    private void MultiplyPart(int pass, int half, int part)
    {
        var run = (half * Parts.Length) + part;
        MultiplyGroups(pass, [zmm0, zmm1], [zmm2, zmm3], run * PartBytes, FewTokensActivations.Sums + (run * 2 * sizeof(long)));
    }

    // Of each two passes the scales of two groups and of the two that lie four further.
    private void UnpackScales()
    {
        LoadQuarters(zmm0, xmm0, 0, ScalePlace);
        LoadQuarters(zmm1, xmm1, 1, ScalePlace);
        Code.vpunpcklbw(zmm2, zmm0, zmm1);
        Code.vpunpckhbw(zmm3, zmm0, zmm1);
        for (var i = 0; i < Scaling.Length; i++)
        {
            Code.vpshufb(Scaling[i], i < 2 ? zmm2 : zmm3, __zmmword_ptr[UpperBytes(4 * (i % 2))]);
            Code.vpsraw(Scaling[i], Scaling[i], 8);
        }
    }

    private void UnpackHead()
    {
        LoadQuarters(zmm0, xmm0, 0, HeadPlace);
        LoadQuarters(zmm1, xmm1, 1, HeadPlace);
        Code.vpunpckhdq(zmm2, zmm0, zmm1);
        Code.vpshufd(zmm2, zmm2, 0b11_10_11_10);
        Code.vpsrld(zmm2, zmm2, 16);
        ConvertHalves(Head, zmm2);
    }

    // Bytes of two rows, of four groups each, as the upper ones of words.
    private Label UpperBytes(int first)
    {
        ReadOnlySpan<int> places = [0, 2, 8, 10, 1, 3, 9, 11];
        var bytes = new byte[2 * places.Length];
        for (var i = 0; i < places.Length; i++) (bytes[2 * i], bytes[(2 * i) + 1]) = (0x80, (byte)(first + places[i]));
        return Constant<byte>(bytes);
    }
}
