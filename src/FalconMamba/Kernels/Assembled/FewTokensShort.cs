using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Blocks of 32 columns: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1. Each ends with three or four operations on floats, for two tokens at
/// once; the chains of all blocks stay in registers. A panel has eight blocks of a row, and two groups of its rows are
/// multiplied together, so that activations are loaded half as often.
/// </summary>
/// <remarks>
/// The instruction multiplies unsigned numbers with signed ones. While rows are streamed codes are the unsigned ones, and sums
/// begin with what they are too high by, times the token's sum. In panels codes are signed, and activations 128 higher: there
/// sums begin with minus 128 times the sum of the codes, which a panel has once for all tokens; to find it for a few tokens only
/// would take longer than it saves.
/// Registers: zmm6 and zmm7 come and go, zmm24 and zmm25 are activations. While rows are streamed zmm8 to zmm12 are bytes of the
/// next block, zmm15 and zmm26 its scales and minimums, zmm27 its fifth bits, and zmm28 and zmm29 come and go with them. zmm31
/// chooses halves of bytes, or turns signs, zmm30 is the fifth bit, zmm23 has a bit of eight in each byte, zmm22 is what codes are
/// too high by, zmm21 is 128.
/// </remarks>
internal sealed class FewTokensShort(TensorType type, int tokens, FewTokensTask task) : FewTokensKernel(type, tokens, task)
{
    // Of a block of a panel: codes [4, 8 rows, 8]; what sums begin with; scales; minimums.
    private const int Start = 4, Scales = 5, Minimums = 6, PanelVectors = 7;

    private static readonly RowRegisters Bytes = new([zmm8, zmm9, zmm10, zmm11, zmm12], [ymm8, ymm9, ymm10, ymm11]);

    // The second group is that of panels.
    private static readonly GroupRegisters[] Groups =
    [
        new([zmm0, zmm1, zmm2, zmm3], zmm20, zmm13, zmm14, [zmm16, zmm17, zmm18, zmm19], zmm4, zmm5),
        new([zmm8, zmm9, zmm10, zmm11], zmm12, zmm15, zmm21, [zmm22, zmm23, zmm26, zmm27], zmm28, zmm29),
    ];

    // For each eight columns a constant that chooses a byte of a row's fifth bits, eight times.
    private readonly Label[] _fifths = new Label[4];

    private bool HasMinimum => Info.Type is TensorType.Q4_1 or TensorType.Q5_1;

    private bool HasFifth => Info.Type is TensorType.Q5_0 or TensorType.Q5_1;

    private bool HasBytes => Info.Type == TensorType.Q8_0;

    private bool IsStreamed => Task == FewTokensTask.Stream;

    private int CodesPlace => Info.BlockBytes - (HasBytes ? Group : Group / 2);

    protected override int GroupsAtOnce => 2;

    protected override void Prepare()
    {
        if (Task is FewTokensTask.Tile or FewTokensTask.TileAndAsk) return;
        Code.vmovdqu64(zmm31, __zmmword_ptr[Constant<byte>(HasBytes ? (byte)128 : (byte)15)]);
        if (Task == FewTokensTask.Fill)
        {
            Code.vmovdqu64(zmm21, __zmmword_ptr[Constant<byte>(128)]);
            Code.vmovdqu64(zmm22, __zmmword_ptr[Constant<byte>(HasFifth ? (byte)16 : (byte)8)]);
        }

        if (!HasFifth) return;
        Code.vmovdqu64(zmm30, __zmmword_ptr[Constant<byte>(16)]);
        Code.vmovdqu64(zmm23, __zmmword_ptr[Constant<byte>(1, 2, 4, 8, 16, 32, 64, 128)]);
        for (var i = 0; i < _fifths.Length; i++)
            _fifths[i] = Constant<byte>([.. Enumerable.Repeat((byte)i, 8), .. Enumerable.Repeat((byte)(i + 8), 8)]);
    }

    protected override IEnumerable<Action> Begin(AssemblerRegister64 first, AssemblerRegister64 fifth) =>
    [
        .. HasBytes ? Transpose(Bytes, first, fifth, CodesPlace) : LoadHalves(first, fifth),
        .. LoadHeads(first, fifth),
        .. HasFifth ? LoadFifths(first, fifth) : [],
    ];

    protected override void ClearSums()
    {
        foreach (var chain in Groups[0].Chains[..Twos]) Code.vpxord(chain, chain, chain);
    }

    protected override void Multiply()
    {
        FormCodes();
        AddBeside(Begin(r15, rbp), Tokens);
        MultiplyCodes(1);
    }

    protected override void KeepSums()
    {
        for (var two = 0; two < Twos; two++) Code.vmovaps(Scratch(Sums, two), Groups[0].Chains[two]);
    }

    // r15 and rbp are the blocks, r12 their place in the panel.
    protected override void Fill()
    {
        var block = Code.CreateLabel();
        var group = Groups[0];
        Code.mov(r15, rsi);
        Code.mov(rbp, rdx);
        Code.mov(r12, r11);
        Code.mov(rcx, __qword_ptr[rdi + 64]);
        Code.Label(ref block);
        foreach (var step in Begin(r15, rbp)) step();
        FormCodes();
        FormStart();
        for (var i = 0; i < group.Codes.Length; i++) Code.vmovdqa64(OfPanel(0, i), group.Codes[i]);
        Code.vmovdqa64(OfPanel(0, Start), group.Start);
        Code.vmovaps(OfPanel(0, Scales), group.Scale);
        if (HasMinimum) Code.vmovaps(OfPanel(0, Minimums), group.Minimum);
        Code.add(r15, Info.BlockBytes);
        Code.add(rbp, Info.BlockBytes);
        Code.add(r12, PanelVectors * VectorBytes);
        Code.dec(rcx);
        Code.jnz(block);
    }

    // r10 walks the activations and comes back, r12 the panel.
    protected override void MultiplyPanel(int groups)
    {
        var block = Code.CreateLabel();
        Code.mov(r15, r10);
        Code.mov(r12, r11);
        Code.mov(rbp, __qword_ptr[rdi + 64]);
        for (var group = 0; group < groups; group++)
            for (var two = 0; two < Twos; two++) Code.vmovaps(Groups[group].Chains[two], TileSums(group, two));
        AskForSums(groups);
        Code.Label(ref block);
        for (var group = 0; group < groups; group++)
        {
            var registers = Groups[group];
            for (var i = 0; i < registers.Codes.Length; i++) Code.vmovdqa64(registers.Codes[i], OfPanel(group, i));
            Code.vmovdqa64(registers.Start, OfPanel(group, Start));
            Code.vmovaps(registers.Scale, OfPanel(group, Scales));
            if (HasMinimum) Code.vmovaps(registers.Minimum, OfPanel(group, Minimums));
        }

        MultiplyCodes(groups);
        Code.add(r10, Layout.BlockBytes(Tokens));
        Code.add(r12, PanelVectors * VectorBytes);
        Code.dec(rbp);
        Code.jnz(block);
        for (var group = 0; group < groups; group++)
            for (var two = 0; two < Twos; two++) Code.vmovaps(TileSums(group, two), Groups[group].Chains[two]);
        Code.mov(r10, r15);
    }

    private static AssemblerMemoryOperand OfPanel(int group, int vector) => __zmmword_ptr[r12 + (group * ScratchBytes) + (vector * VectorBytes)];

    // Of halves of bytes the low ones are the first columns.
    private void FormCodes()
    {
        var group = Groups[0];
        for (var i = 0; i < group.Codes.Length; i++)
        {
            var code = group.Codes[i];
            if (HasBytes)
            {
                // Signed codes become unsigned ones that are 128 higher.
                if (IsStreamed) Code.vpxord(code, Bytes.Columns[i], zmm31);
                else Code.vmovdqa64(code, Bytes.Columns[i]);
                continue;
            }

            var bytes = i % 2 == 0 ? zmm10 : zmm11;
            if (i >= 2) Code.vpsrlw(code, bytes, 4);
            Code.vpandd(code, i >= 2 ? code : bytes, zmm31);
            if (HasFifth)
            {
                Code.vpshufb(zmm28, zmm27, __zmmword_ptr[_fifths[i]]);
                Code.vptestmb(k1, zmm28, zmm23);
                Code.vpaddb(code.k1, code, zmm30);
            }

            if (!IsStreamed && !HasMinimum) Code.vpsubb(code, code, zmm22);
        }

        Code.vmovaps(group.Scale, zmm15);
        if (HasMinimum) Code.vmovaps(group.Minimum, zmm26);
    }

    private void FormStart()
    {
        var group = Groups[0];
        Code.vpxord(group.Start, group.Start, group.Start);
        Code.vpxord(zmm6, zmm6, zmm6);
        foreach (var code in group.Codes) Code.vpdpbusd(zmm6, zmm21, code);
        Code.vpsubd(group.Start, group.Start, zmm6);
    }

    private void MultiplyCodes(int groups)
    {
        for (var two = 0; two < Twos; two++)
        {
            var (first, count) = (2 * two, Math.Min(2, Tokens - (2 * two)));
            foreach (var group in Groups[..groups])
                for (var i = 0; i < count; i++) Begin(group.SumOf(i), group.Start, first + i);
            for (var code = 0; code < 4; code++)
            {
                for (var i = 0; i < count; i++)
                {
                    var columns = i == 0 ? zmm24 : zmm25;
                    Code.vpbroadcastq(columns, Part(first + i, code * sizeof(long)));
                    foreach (var group in Groups[..groups]) MultiplyAdd(group.SumOf(i), group.Codes[code], columns);
                }

                if (code % (4 / count) == 0) TakeBeside();
            }

            Code.vpbroadcastq(zmm24, Two(two));
            if (HasMinimum) Code.vpbroadcastq(zmm25, Two(two, FewTokensActivations.NegativeSumsPlace(Tokens)));
            foreach (var group in Groups[..groups]) Scale(group, two, group.SumOf(count - 1));
            for (var i = 0; i < count; i++) Ask(first + i, Tokens);
        }
    }

    private void Begin(AssemblerRegisterZMM sum, AssemblerRegisterZMM start, int token)
    {
        if (!IsStreamed) Code.vmovdqa64(sum, start);
        else if (!HasMinimum) Code.vpbroadcastq(sum, Part(token, FewTokensActivations.Start));
        else Code.vpxord(sum, sum, sum);
    }

    private void MultiplyAdd(AssemblerRegisterZMM sum, AssemblerRegisterZMM codes, AssemblerRegisterZMM activations)
    {
        if (IsStreamed) Code.vpdpbusd(sum, codes, activations);
        else Code.vpdpbusd(sum, activations, codes);
    }

    private void Scale(GroupRegisters group, int two, AssemblerRegisterZMM second)
    {
        AddHalves(zmm6, zmm7, group.First, second);
        Code.vcvtdq2ps(zmm6, zmm6);
        if (HasMinimum)
        {
            Code.vmulps(zmm7, zmm25, group.Minimum);
            Code.vfmsub213ps(zmm6, group.Scale, zmm7);
        }
        else
        {
            Code.vmulps(zmm6, zmm6, group.Scale);
        }

        Code.vfmadd231ps(group.Chains[two], zmm6, zmm24);
    }

    private IEnumerable<Action> LoadHalves(AssemblerRegister64 first, AssemblerRegister64 fifth)
    {
        foreach (var step in LoadQuarters(zmm8, xmm8, first, fifth, 0, CodesPlace)) yield return step;
        foreach (var step in LoadQuarters(zmm9, xmm9, first, fifth, 1, CodesPlace)) yield return step;
        yield return () => Code.vpunpcklqdq(zmm10, zmm8, zmm9);
        yield return () => Code.vpunpckhqdq(zmm11, zmm8, zmm9);
    }

    // d of each row twice, and m. Where there is none, what follows d is converted with it and left.
    private IEnumerable<Action> LoadHeads(AssemblerRegister64 first, AssemblerRegister64 fifth)
    {
        foreach (var step in LoadNumbers(first, fifth, 0)) yield return step;
        yield return () => Code.vcvtph2ps(zmm28, ymm28);
        yield return () =>
        {
            Code.vmovsldup(zmm15, zmm28);
            if (HasMinimum) Code.vmovshdup(zmm26, zmm28);
        };
    }

    private IEnumerable<Action> LoadFifths(AssemblerRegister64 first, AssemblerRegister64 fifth)
    {
        foreach (var step in LoadNumbers(first, fifth, CodesPlace - sizeof(int))) yield return step;
        yield return () => Code.vpmovzxdq(zmm27, ymm28);
    }

    // Four bytes of each row in ymm28.
    private IEnumerable<Action> LoadNumbers(AssemblerRegister64 first, AssemblerRegister64 fifth, int place)
    {
        yield return () => Code.vmovd(xmm28, Row(__dword_ptr, first, fifth, 0, place));
        yield return () => Code.vmovd(xmm29, Row(__dword_ptr, first, fifth, 4, place));
        for (var i = 1; i < 4; i++)
        {
            var row = i;
            yield return () => Code.vpinsrd(xmm28, xmm28, Row(__dword_ptr, first, fifth, row, place), (byte)row);
            yield return () => Code.vpinsrd(xmm29, xmm29, Row(__dword_ptr, first, fifth, row + 4, place), (byte)row);
        }

        yield return () => Code.vinserti32x4(ymm28, ymm28, xmm29, 1);
    }

    // Codes and what belongs to them, the sums of all blocks of each two tokens, and those of a block of two.
    private sealed record GroupRegisters(
        AssemblerRegisterZMM[] Codes, AssemblerRegisterZMM Start, AssemblerRegisterZMM Scale, AssemblerRegisterZMM Minimum, AssemblerRegisterZMM[] Chains,
        AssemblerRegisterZMM First, AssemblerRegisterZMM Second)
    {
        public AssemblerRegisterZMM SumOf(int token) => token == 0 ? First : Second;
    }
}
