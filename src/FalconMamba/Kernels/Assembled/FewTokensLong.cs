using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Blocks of 256 columns: Q4_K, Q5_K, Q6_K. Sums over so few columns that they fit words are multiplied, two groups at a time,
/// with scales times factors. Of a panel, where registers suffice, two groups of rows are multiplied together with half as many
/// tokens, so that activations are loaded half as often.
/// </summary>
/// <remarks>
/// zmm4 and zmm5 are sums, zmm16 to zmm23 the tokens' totals of a block, zmm24 and zmm29 activations. The second group of a panel
/// has zmm6 and zmm7, and zmm20 to zmm23.
/// </remarks>
internal abstract class FewTokensLong : FewTokensKernel
{
    // Of a panel: for each two passes the scales [8 rows, 4] as words; what the end of a block takes [5]; codes [32, 8 rows, 8].
    private const int Scales = 0, Ends = Scales + (4 * VectorBytes), Columns = Ends + (5 * VectorBytes);

    // Scales times factors of the tokens that there are registers for.
    private readonly AssemblerRegisterZMM[] _products;

    /// <param name="type">The block format.</param>
    /// <param name="tokens">The tokens of a pass.</param>
    /// <param name="task">What it does.</param>
    /// <param name="spare">Registers that neither this class nor the format needs while rows are streamed.</param>
    protected FewTokensLong(TensorType type, int tokens, FewTokensTask task, ReadOnlySpan<AssemblerRegisterZMM> spare)
        : base(type, tokens, task) =>
        _products = task == FewTokensTask.Stream ? [.. spare, .. tokens < MostTokens ? Totals[tokens..] : []] : PanelSpare;

    // While a panel is multiplied nothing but codes, sums, totals and activations is in registers.
    private static AssemblerRegisterZMM[] PanelSpare { get; } = [zmm12, zmm13, zmm14, zmm15, zmm25, zmm26, zmm27, zmm28];

    private static AssemblerRegisterZMM[] SecondGroup { get; } = [zmm8, zmm9, zmm10, zmm11];

    private static AssemblerRegisterZMM[] Totals { get; } = [zmm16, zmm17, zmm18, zmm19, zmm20, zmm21, zmm22, zmm23];

    protected override int GroupsAtOnce => MostTokensOfTile(Info.Type) < MostTokens ? 2 : 1;

    /// <summary>The times that the tokens pass in a block.</summary>
    protected abstract int Passes { get; }

    /// <summary>The codes of a pass, eight columns in each, of a first group and of a second one, or of a group's two halves.</summary>
    protected abstract (AssemblerRegisterZMM[] First, AssemblerRegisterZMM[] Second) Codes { get; }

    /// <summary>Where scales are while rows are streamed: for each two passes a register.</summary>
    protected abstract ReadOnlySpan<AssemblerRegisterZMM> HeldScales { get; }

    /// <summary>What <see cref="Scale"/> reads: at most five.</summary>
    protected abstract ReadOnlySpan<AssemblerRegisterZMM> EndRegisters { get; }

    /// <summary>Brings together what later passes take, in place of what this one was the last to take.</summary>
    protected abstract IEnumerable<Action> Continue(int pass);

    /// <summary>Unpacks scales, and what is kept for the end of the block.</summary>
    protected abstract void UnpackHeads();

    /// <summary>Leaves the pass's <see cref="Codes"/>, and its scales where <see cref="HeldScales"/> says.</summary>
    protected abstract void FormCodes(int pass);

    /// <summary>Where in a token's part a pass's columns begin, and the numbers that its sums begin with, or null for zero.</summary>
    protected abstract (int Columns, int? Start) ActivationsOf(int pass);

    /// <summary>Leaves what is kept for the end of the block in <see cref="EndRegisters"/>.</summary>
    protected abstract void UnpackEnd();

    /// <summary>Turns the floats of totals in zmm0, as <see cref="FewTokensKernel.AddHalves"/> leaves them, to floats times their scale; zmm1 to zmm5 are free.</summary>
    /// <param name="first">The first token.</param>
    /// <param name="second">The second one, or the first again.</param>
    protected abstract void Scale(int first, int second);

    protected override void Multiply()
    {
        UnpackHeads();
        for (var pass = 0; pass < Passes; pass++)
        {
            FormCodes(pass);
            AddBeside(pass < Passes - 1 ? Continue(pass) : Begin(r15, rbp), Tokens);
            MultiplyCodes(pass);
        }

        UnpackEnd();
        ScaleBlock(0);
    }

    // The same of blocks in a panel, which Fill leaves there.
    protected override void MultiplyPanel(int groups)
    {
        for (var pass = 0; pass < Passes; pass++)
        {
            for (var group = 0; group < groups; group++)
            {
                AssemblerRegisterZMM[] codes = [.. CodesOf(group).First, .. CodesOf(group).Second];
                for (var i = 0; i < codes.Length; i++) Code.vmovdqa64(codes[i], OfPanel(group, Columns, (pass * codes.Length) + i));
            }

            MultiplyCodes(pass, groups);
        }

        for (var group = 0; group < groups; group++)
        {
            for (var i = 0; i < EndRegisters.Length; i++) Code.vmovdqa64(EndRegisters[i], OfPanel(group, Ends, i));
            ScaleBlock(group);
        }
    }

    protected override void Fill()
    {
        AssemblerRegisterZMM[] codes = [.. Codes.First, .. Codes.Second];
        foreach (var step in Begin(rsi, rdx)) step();
        UnpackHeads();
        for (var pass = 0; pass < Passes; pass++)
        {
            FormCodes(pass);
            for (var i = 0; i < codes.Length; i++) Code.vmovdqa64(Scratch(Columns, (pass * codes.Length) + i), codes[i]);
            if (pass % 2 == 0) Code.vmovdqa64(Scratch(Scales, pass / 2), HeldScales[pass / 2]);
            if (pass < Passes - 1) foreach (var step in Continue(pass)) step();
        }

        UnpackEnd();
        for (var i = 0; i < EndRegisters.Length; i++) Code.vmovdqa64(Scratch(Ends, i), EndRegisters[i]);
    }

    // All tokens times a pass's columns: sums of the first half in one word of each pair, of the second in the other.
    private void MultiplyCodes(int pass, int groups = 1)
    {
        var (activations, start) = ActivationsOf(pass);
        var length = Codes.First.Length;
        for (var token = 0; token < Tokens; token++)
        {
            for (var group = 0; group < groups; group++) BeginSums(group, token, start);
            for (var i = 0; i < length; i++)
            {
                Code.vpbroadcastq(zmm24, Part(token, activations + (i * sizeof(long))));
                for (var group = 0; group < groups; group++) Code.vpdpbusd(SumsOf(group).Low, CodesOf(group).First[i], zmm24);
                var columns = groups == 1 ? zmm24 : zmm29;
                Code.vpbroadcastq(columns, Part(token, activations + ((length + i) * sizeof(long))));
                for (var group = 0; group < groups; group++) Code.vpdpbusd(SumsOf(group).High, CodesOf(group).Second[i], columns);
            }

            for (var group = 0; group < groups; group++) AddPass(pass, group, token);
            Ask((pass * Tokens) + token, Passes * Tokens);
            if (Task != FewTokensTask.Stream) AskForSums(groups, (pass * Tokens) + token, Passes * Tokens);
            TakeBeside();
        }
    }

    private void BeginSums(int group, int token, int? start)
    {
        var (low, high) = SumsOf(group);
        if (start is { } place && group == 0)
        {
            Code.vpbroadcastq(low, Part(token, place));
            Code.vpbroadcastq(high, Part(token, place + sizeof(long)));
        }
        else if (start is not null)
        {
            Code.vmovdqa64(low, SumsOf(0).Low);
            Code.vmovdqa64(high, SumsOf(0).High);
        }
        else
        {
            // Of the encodings only the short one waits for nothing.
            var (first, second) = group == 0 ? (xmm4, xmm5) : (xmm6, xmm7);
            Code.vpxor(first, first, first);
            Code.vpxor(second, second, second);
        }
    }

    // Adds a pass's sums times scales times factors to the token's totals.
    private void AddPass(int pass, int group, int token)
    {
        var (low, high) = SumsOf(group);
        Code.vpslld(high, high, 16);
        Code.vmovdqu16(low.k4, high);
        // Of each row the scales times factors of this pass, twice: its sums are in two halves.
        var index = IndexOf(group, token);
        var product = index < _products.Length ? _products[index] : high;
        if (pass % 2 == 0 || index >= _products.Length)
        {
            Code.vpbroadcastq(product, Part(token, FewTokensActivations.Factors + (pass / 2 * sizeof(long))));
            if (Task == FewTokensTask.Stream) Code.vpmullw(product, product, HeldScales[pass / 2]);
            else Code.vpmullw(product, product, OfPanel(group, Scales, pass / 2));
        }

        Code.vpshufd(high, product, (byte)(pass % 2 == 0 ? 0b10_10_00_00 : 0b11_11_01_01));
        if (pass == 0) Code.vpmaddwd(Totals[index], low, high);
        else Code.vpdpwssd(Totals[index], low, high);
    }

    private static (AssemblerRegisterZMM Low, AssemblerRegisterZMM High) SumsOf(int group) => group == 0 ? (zmm4, zmm5) : (zmm6, zmm7);

    private (AssemblerRegisterZMM[] First, AssemblerRegisterZMM[] Second) CodesOf(int group) => group == 0 ? Codes : (SecondGroup[..2], SecondGroup[2..]);

    // Of the registers that each token of each group has one of.
    private static int IndexOf(int group, int token) => (group * MostTokens / 2) + token;

    private static AssemblerMemoryOperand OfPanel(int group, int place, int vector) => Scratch((group * ScratchBytes) + place, vector);

    protected override void ClearSums()
    {
        Code.vpxord(zmm0, zmm0, zmm0);
        for (var two = 0; two < Twos; two++) Code.vmovaps(Scratch(Sums, two), zmm0);
    }

    // They are there after each block.
    protected override void KeepSums()
    {
    }

    private void ScaleBlock(int group)
    {
        for (var two = 0; two < Twos; two++)
        {
            var (first, second) = (2 * two, Math.Min(Tokens - 1, (2 * two) + 1));
            AddHalves(zmm0, zmm1, Totals[IndexOf(group, first)], Totals[IndexOf(group, second)]);
            Code.vcvtdq2ps(zmm0, zmm0);
            Scale(first, second);
            var sums = Task == FewTokensTask.Stream ? Scratch(Sums, two) : TileSums(group, two);
            Code.vmovaps(zmm1, sums);
            Code.vpbroadcastq(zmm24, Two(two));
            Code.vfmadd231ps(zmm1, zmm0, zmm24);
            Code.vmovaps(sums, zmm1);
        }
    }

    /// <summary>Codes of 32 columns in zmm0 to zmm3, of low bits in halves of bytes and upper bits elsewhere; zmm24 is lost.</summary>
    /// <param name="low">The low bits.</param>
    /// <param name="isHigh">Whether they are in the high halves.</param>
    /// <param name="upper">The upper bits.</param>
    /// <param name="shift">How far they go to the left.</param>
    /// <param name="bits">Where they are then.</param>
    protected void JoinBits(RowRegisters low, bool isHigh, RowRegisters upper, int shift, Label bits)
    {
        ReadOnlySpan<AssemblerRegisterZMM> codes = [zmm0, zmm1, zmm2, zmm3];
        for (var i = 0; i < codes.Length; i++)
        {
            var (code, source) = (codes[i], low.Columns[i]);
            if (isHigh) Code.vpsrlw(code, source, 4);
            Code.vpandd(code, isHigh ? code : source, zmm31);
            source = upper.Columns[i];
            if (shift > 0) Code.vpsllw(zmm24, source, (byte)shift);
            else if (shift < 0) Code.vpsrlw(zmm24, source, (byte)-shift);
            Code.vpternlogd(code, shift == 0 ? source : zmm24, __zmmword_ptr[bits], 0xF8);
        }
    }

    /// <summary>The lower half of each number of two bytes as a float; ymm3 is lost.</summary>
    protected void ConvertHalves(AssemblerRegisterZMM destination, AssemblerRegisterZMM numbers)
    {
        Code.vpmovdw(ymm3, numbers);
        Code.vcvtph2ps(destination, ymm3);
    }

    /// <summary>Sixteen bytes of the rows' blocks that are multiplied: of rows 0, 2, 4 and 6 in one register, of the others in another.</summary>
    protected void LoadQuarters(int place)
    {
        foreach (var step in LoadQuarters(zmm0, xmm0, rsi, rdx, 0, place)) step();
        foreach (var step in LoadQuarters(zmm1, xmm1, rsi, rdx, 1, place)) step();
    }

    /// <summary>A constant that chooses bytes of each quarter and makes words of them.</summary>
    /// <param name="places">Which bytes.</param>
    /// <param name="first">What is added to these.</param>
    /// <param name="isUpper">Whether they are the upper halves of the words; the others are zero.</param>
    protected Label Words(ReadOnlySpan<int> places, int first, bool isUpper)
    {
        var bytes = new byte[2 * places.Length];
        bytes.AsSpan().Fill(0x80);
        for (var i = 0; i < places.Length; i++) bytes[(2 * i) + (isUpper ? 1 : 0)] = (byte)(first + places[i]);
        return Constant<byte>(bytes);
    }
}
