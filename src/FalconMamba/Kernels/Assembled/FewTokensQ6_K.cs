using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Q6_K: sixteen groups of 16 columns with signed scales. Sums begin with minus 32 times those of the activations, so that over
/// eight columns they fit words, and nothing has to be subtracted afterwards.
/// </summary>
internal sealed class FewTokensQ6_K(int tokens, FewTokensTask task) : FewTokensKernel(TensorType.Q6_K, tokens, task)
{
    // Of a block, in bytes: low four bits; upper two bits; scales; d in the last two of the last sixteen.
    private const int UpperPlace = 128, ScalePlace = 192, HeadPlace = 194, Pairs = 8;

    private static readonly AssemblerRegisterZMM[] Upper = [zmm26, zmm27, zmm28, zmm29];

    private static readonly AssemblerRegisterZMM[] ForTransposition = [zmm8, zmm9, zmm10, zmm11, zmm12, zmm13, zmm14, zmm15, zmm30];

    private Label _upperBits;

    protected override int Passes => Pairs;

    protected override ReadOnlySpan<AssemblerRegisterZMM> TranspositionRegisters => ForTransposition;

    protected override void Prepare()
    {
        Code.vmovdqu64(zmm31, __zmmword_ptr[Constant<byte>(15)]);
        _upperBits = Constant<byte>(0x30);
    }

    protected override IEnumerable<Action> Begin(AssemblerRegister64 first, AssemblerRegister64 fifth) =>
        [.. Transpose(first, fifth, 0, FirstColumns), .. Transpose(first, fifth, UpperPlace, UpperColumns)];

    protected override void Multiply()
    {
        UnpackScales();
        AddBeside(Transpose(rsi, rdx, VectorBytes, LastColumns), Pairs / 2);
        MultiplyHalf(0, FirstColumns);
        // Once the upper bits of the second half are in registers, those of the next block may take their place.
        LoadUpper(1);
        AddBeside(Begin(r15, rbp), Pairs / 2);
        MultiplyHalf(1, LastColumns);
    }

    protected override void Fill()
    {
        foreach (var step in Begin(rsi, rdx)) step();
        foreach (var step in Transpose(rsi, rdx, VectorBytes, LastColumns)) step();
        UnpackScales();
    }

    protected override void MultiplyPanel()
    {
        MultiplyHalf(0, FirstColumns);
        LoadUpper(1);
        MultiplyHalf(1, LastColumns);
    }

    protected override void Scale(int two) => Code.vmulps(zmm0, zmm0, Scratch(Heads));

    private void UnpackScales()
    {
        LoadQuarters(zmm0, xmm0, 0, HeadPlace);
        LoadQuarters(zmm1, xmm1, 1, HeadPlace);
        Code.vpunpckhdq(zmm2, zmm0, zmm1);
        Code.vpshufd(zmm2, zmm2, 0b11_10_11_10);
        Code.vpsrld(zmm2, zmm2, 16);
        ConvertHalves(zmm4, zmm2);
        Code.vmovaps(Scratch(Heads), zmm4);
        LoadQuarters(zmm0, xmm0, 0, ScalePlace);
        LoadQuarters(zmm1, xmm1, 1, ScalePlace);
        Code.vpunpcklbw(zmm2, zmm0, zmm1);
        Code.vpunpckhbw(zmm3, zmm0, zmm1);
        for (var pair = 0; pair < Pairs; pair++)
        {
            Code.vpshufb(zmm0, pair < 4 ? zmm2 : zmm3, __zmmword_ptr[UpperBytes(4 * (pair % 4), 0, 2, 0, 2, 1, 3, 1, 3)]);
            Code.vpsraw(zmm0, zmm0, 8);
            Code.vmovdqa64(Scratch(Scales, pair), zmm0);
        }
    }

    private void LoadUpper(int half)
    {
        for (var i = 0; i < Upper.Length; i++) Code.vmovdqa64(Upper[i], Scratch(UpperColumns, (4 * half) + i));
    }

    private void MultiplyHalf(int half, int columns)
    {
        if (half == 0) LoadUpper(0);
        for (var run = 0; run < 4; run++) MultiplyRun((4 * half) + run, columns + (run % 2 * 4 * VectorBytes), run);
    }

    // 32 columns, of which the low bits are the low or the high halves of bytes.
    private void MultiplyRun(int pair, int columns, int run)
    {
        ReadOnlySpan<AssemblerRegisterZMM> codes = [zmm0, zmm1, zmm2, zmm3];
        for (var i = 0; i < codes.Length; i++)
        {
            if (run < 2)
            {
                Code.vpandd(codes[i], zmm31, Scratch(columns, i));
            }
            else
            {
                Code.vpsrlw(codes[i], Scratch(columns, i), 4);
                Code.vpandd(codes[i], codes[i], zmm31);
            }

            var upper = run == 2 ? Upper[i] : zmm24;
            switch (run)
            {
                case 0: Code.vpsllw(upper, Upper[i], 4); break;
                case 1: Code.vpsllw(upper, Upper[i], 2); break;
                case 3: Code.vpsrlw(upper, Upper[i], 2); break;
            }

            Code.vpternlogd(codes[i], upper, __zmmword_ptr[_upperBits], 0xF8);
        }

        MultiplyGroups(pair, codes[..2], codes[2..], pair * 32, FewTokensActivations.Sums + (pair * 2 * sizeof(long)));
    }

    // Bytes of each quarter as the upper ones of words.
    private Label UpperBytes(int first, params ReadOnlySpan<int> places)
    {
        var bytes = new byte[2 * places.Length];
        for (var i = 0; i < places.Length; i++) (bytes[2 * i], bytes[(2 * i) + 1]) = (0x80, (byte)(first + places[i]));
        return Constant<byte>(bytes);
    }
}
