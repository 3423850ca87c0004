using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// The product of Q4_K, Q5_K or Q6_K with a few tokens at a time, assembled: the same integers and operations on floats as in
/// <see cref="BlockProduct{TBytes, TPair, TFormat}"/>, hence the same bits.
/// </summary>
/// <remarks>
/// Eight rows go side by side, a block at a time, each an eighth of the registers; so weights are nearly one stream, and little
/// has to change places. A token's eight columns are broadcast to the rows as they are loaded, which takes no time. Sums over
/// so few columns that they fit words are multiplied, two groups at a time, with scales times factors. What changes places
/// does so between the tokens' multiplications, for which the processor has other units, and stays in registers: a store would
/// take time from them. More tokens than a few pass a panel, which is the scratch of some groups of rows.
/// Registers: rsi and rdx the blocks of the first and of the fifth row, r8 the bytes of a row, r9 three times as many; r10 the
/// activations, r11 the scratch, rcx the blocks left, rbx the groups left; r15 and rbp the next blocks of those rows; r13 the
/// next rows, r14 what is asked for; rax the output, r12 its stride. Of the vectors zmm4 and zmm5 are sums, zmm16 to zmm23 the
/// tokens' totals, zmm24 activations; k4 chooses upper words.
/// </remarks>
internal abstract partial class FewTokensKernel
{
    /// <summary>The rows that go side by side.</summary>
    public const int Rows = 8;

    /// <summary>The tokens of a pass at most: more find no registers.</summary>
    public const int MostTokens = 8;

    /// <summary>The tokens of all passes at most: a third pass would cost more than a panel.</summary>
    public const int MostTogether = 2 * MostTokens;

    /// <summary>The bytes of scratch, which begins at a multiple of 64.</summary>
    public const int ScratchBytes = Columns + (32 * VectorBytes);

    /// <summary>The groups of rows of a panel at most; each takes <see cref="ScratchBytes"/>.</summary>
    public const int MostGroups = 4;

    private const int VectorBytes = 64;

    // In the scratch, for each two tokens the sums of all blocks [4, 2 tokens, 2 rows].
    private const int Sums = 0;

    // Of a panel: for each two passes the scales [8 rows, 4] as words; what the end of a block takes [5]; codes [32, 8 rows, 8].
    private const int Scales = 0, Ends = Scales + (4 * VectorBytes), Columns = Ends + (5 * VectorBytes);

    private static readonly ConcurrentDictionary<(TensorType, int, FewTokensTask), nint> Loaded = [];

    private readonly FewTokensTask _task;

    // Scales times factors of the tokens that there are registers for.
    private readonly AssemblerRegisterZMM[] _products;

    // What is still to be added between multiplications, and between how many.
    private readonly Queue<Action> _beside = [];

    private int _gaps;

    /// <param name="type">The block format.</param>
    /// <param name="tokens">The tokens of a pass.</param>
    /// <param name="task">What it does.</param>
    /// <param name="spare">Registers that neither this class nor the format needs while rows are streamed.</param>
    protected FewTokensKernel(TensorType type, int tokens, FewTokensTask task, ReadOnlySpan<AssemblerRegisterZMM> spare)
    {
        _task = task;
        _products = task == FewTokensTask.Stream ? [.. spare, .. tokens < MostTokens ? Totals[tokens..] : []] : PanelSpare;
        Info = type.Info();
        Layout = FewTokensActivations.Of(type);
        Tokens = tokens;
    }

    // While a panel is multiplied nothing but codes, sums, totals and activations is in registers.
    private static AssemblerRegisterZMM[] PanelSpare { get; } = [zmm12, zmm13, zmm14, zmm15, zmm25, zmm26, zmm27, zmm28];

    private static AssemblerRegisterZMM[] Totals { get; } = [zmm16, zmm17, zmm18, zmm19, zmm20, zmm21, zmm22, zmm23];

    protected TensorTypeInfo Info { get; }

    protected FewTokensActivations Layout { get; }

    protected int Tokens { get; }

    /// <summary>How many pairs of tokens, the last one of one token if need be.</summary>
    protected int Twos => (Tokens + 1) / 2;

    protected KernelAssembler Kernel { get; } = new();

    protected Assembler Code => Kernel.Code;

    /// <summary>The times that the tokens pass in a block.</summary>
    protected abstract int Passes { get; }

    /// <summary>The codes of a pass, eight columns in each, of a first group and of a second one, or of a group's two halves.</summary>
    protected abstract (AssemblerRegisterZMM[] First, AssemblerRegisterZMM[] Second) Codes { get; }

    /// <summary>Where scales are while rows are streamed: for each two passes a register.</summary>
    protected abstract ReadOnlySpan<AssemblerRegisterZMM> HeldScales { get; }

    /// <summary>What <see cref="Scale"/> reads: at most five.</summary>
    protected abstract ReadOnlySpan<AssemblerRegisterZMM> EndRegisters { get; }

    /// <summary>Whether the kernels take a product. One token has a kernel of its own, and many of Q5_K are faster in tiles.</summary>
    /// <param name="type">The block format.</param>
    /// <param name="rows">The rows of the weights.</param>
    /// <param name="tokens">The tokens.</param>
    public static bool Takes(TensorType type, int rows, int tokens) => rows % Rows == 0 && tokens >= 2 && type switch
    {
        TensorType.Q4_K or TensorType.Q6_K => true,
        TensorType.Q5_K => tokens <= MostTogether,
        _ => false,
    };

    /// <summary>The kernel for so many tokens, assembled when it is first asked for.</summary>
    /// <param name="type">The block format: Q4_K, Q5_K or Q6_K.</param>
    /// <param name="tokens">One to <see cref="MostTokens"/>; to fill a panel, any.</param>
    /// <param name="task">What it does.</param>
    /// <returns>The function, or null if there is none or the system allows no code to be made.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(TensorType type, int tokens, FewTokensTask task = FewTokensTask.Stream)
    {
        if (!KernelAssembler.IsSupported) return null;
        return (delegate* unmanaged[Cdecl]<void*, void>)Loaded.GetOrAdd((type, tokens, task), static key => (nint)Create(key.Item1, key.Item2, key.Item3).Assemble());
    }

    /// <summary>Loads the constants.</summary>
    protected abstract void Prepare();

    /// <summary>Brings together what the first pass takes of the block at two places: the first and the fifth row.</summary>
    protected abstract IEnumerable<Action> Begin(AssemblerRegister64 first, AssemblerRegister64 fifth);

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

    /// <summary>Turns the floats of totals in zmm0, as <see cref="AddHalves"/> leaves them, to floats times their scale; zmm1 to zmm5 are free.</summary>
    /// <param name="first">The first token.</param>
    /// <param name="second">The second one, or the first again.</param>
    protected abstract void Scale(int first, int second);

    // Leaves the tokens' totals of a block of eight rows and what their scaling takes, and begins the next one.
    private void Multiply()
    {
        UnpackHeads();
        for (var pass = 0; pass < Passes; pass++)
        {
            FormCodes(pass);
            AddBeside(pass < Passes - 1 ? Continue(pass) : Begin(r15, rbp));
            MultiplyCodes(pass);
        }

        UnpackEnd();
    }

    // The same of a block in a panel, which Fill leaves there.
    private void MultiplyPanel()
    {
        AssemblerRegisterZMM[] codes = [.. Codes.First, .. Codes.Second];
        for (var pass = 0; pass < Passes; pass++)
        {
            for (var i = 0; i < codes.Length; i++) Code.vmovdqa64(codes[i], Scratch(Columns, (pass * codes.Length) + i));
            MultiplyCodes(pass);
        }

        for (var i = 0; i < EndRegisters.Length; i++) Code.vmovdqa64(EndRegisters[i], Scratch(Ends, i));
    }

    private void Fill()
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
    private void MultiplyCodes(int pass)
    {
        var (first, second) = Codes;
        var (activations, start) = ActivationsOf(pass);
        var (low, high, columns) = (zmm4, zmm5, zmm24);
        for (var token = 0; token < Tokens; token++)
        {
            if (start is { } place)
            {
                Code.vpbroadcastq(low, Part(__qword_ptr, token, place));
                Code.vpbroadcastq(high, Part(__qword_ptr, token, place + sizeof(long)));
            }
            else
            {
                // Of the encodings only the short one waits for nothing.
                Code.vpxor(xmm4, xmm4, xmm4);
                Code.vpxor(xmm5, xmm5, xmm5);
            }

            for (var i = 0; i < first.Length; i++)
            {
                Code.vpbroadcastq(columns, Part(__qword_ptr, token, activations + (i * sizeof(long))));
                Code.vpdpbusd(low, first[i], columns);
                Code.vpbroadcastq(columns, Part(__qword_ptr, token, activations + ((first.Length + i) * sizeof(long))));
                Code.vpdpbusd(high, second[i], columns);
            }

            Code.vpslld(high, high, 16);
            Code.vmovdqu16(low.k4, high);
            // Of each row the scales times factors of this pass, twice: its sums are in two halves.
            var product = token < _products.Length ? _products[token] : high;
            if (pass % 2 == 0 || token >= _products.Length)
            {
                Code.vpbroadcastq(product, Part(__qword_ptr, token, FewTokensActivations.Factors + (pass / 2 * sizeof(long))));
                if (_task == FewTokensTask.Stream) Code.vpmullw(product, product, HeldScales[pass / 2]);
                else Code.vpmullw(product, product, Scratch(Scales, pass / 2));
            }

            Code.vpshufd(high, product, (byte)(pass % 2 == 0 ? 0b10_10_00_00 : 0b11_11_01_01));
            if (pass == 0) Code.vpmaddwd(Totals[token], low, high);
            else Code.vpdpwssd(Totals[token], low, high);
            Ask((pass * Tokens) + token);
            if (_beside.Count == 0) continue;
            for (var left = (_beside.Count + _gaps - 1) / _gaps; left > 0; left--) _beside.Dequeue()();
            _gaps--;
        }
    }

    /// <summary>Of two tokens' sums, in each quarter the totals of two rows and then of the same rows.</summary>
    protected void AddHalves(AssemblerRegisterZMM destination, AssemblerRegisterZMM scratch, AssemblerRegisterZMM first, AssemblerRegisterZMM second)
    {
        Code.vshufps(destination, first, second, 0b10_00_10_00);
        Code.vshufps(scratch, first, second, 0b11_01_11_01);
        Code.vpaddd(destination, destination, scratch);
    }

    /// <summary>32 bytes of eight rows, step by step: eight bytes of all rows come together in each of <see cref="RowRegisters.Columns"/>.</summary>
    /// <param name="registers">Where they do.</param>
    /// <param name="first">The block of the first row.</param>
    /// <param name="fifth">The block of the fifth row.</param>
    /// <param name="place">Where in a block the bytes begin.</param>
    protected IEnumerable<Action> Transpose(RowRegisters registers, AssemblerRegister64 first, AssemblerRegister64 fifth, int place)
    {
        var r = registers.Whole;
        for (var i = 0; i < 4; i++)
        {
            // Rows 0 and 2, 1 and 3, 4 and 6, 5 and 7.
            var (register, half, row) = (r[i], registers.Halves[i], (i / 2 * 4) + (i % 2));
            yield return () =>
            {
                Code.vmovdqu64(half, Row(__ymmword_ptr, first, fifth, row, place));
                Code.vinserti64x4(register, register, Row(__ymmword_ptr, first, fifth, row + 2, place), 1);
            };
        }

        yield return () =>
        {
            Code.vpunpcklqdq(r[4], r[0], r[1]);
            Code.vpunpckhqdq(r[0], r[0], r[1]);
        };
        yield return () =>
        {
            Code.vpunpcklqdq(r[1], r[2], r[3]);
            Code.vpunpckhqdq(r[2], r[2], r[3]);
        };
        yield return () =>
        {
            Code.vshufi64x2(r[3], r[4], r[1], 0b10_00_10_00);
            Code.vshufi64x2(r[4], r[4], r[1], 0b11_01_11_01);
        };
        yield return () =>
        {
            Code.vshufi64x2(r[1], r[0], r[2], 0b10_00_10_00);
            Code.vshufi64x2(r[0], r[0], r[2], 0b11_01_11_01);
        };
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

    // Adds some steps between the multiplications of the pass to come.
    private void AddBeside(IEnumerable<Action> steps)
    {
        foreach (var step in steps) _beside.Enqueue(step);
        _gaps = Tokens;
    }

    /// <summary>Sixteen bytes of four rows, every second one from a row on.</summary>
    protected void LoadQuarters(AssemblerRegisterZMM register, AssemblerRegisterXMM low, int row, int place)
    {
        Code.vmovdqu(low, Row(__xmmword_ptr, rsi, rdx, row, place));
        for (var quarter = 1; quarter < 4; quarter++) Code.vinserti32x4(register, register, Row(__xmmword_ptr, rsi, rdx, row + (2 * quarter), place), (byte)quarter);
    }

    /// <summary>The lower half of each number of two bytes as a float; ymm3 is lost.</summary>
    protected void ConvertHalves(AssemblerRegisterZMM destination, AssemblerRegisterZMM numbers)
    {
        Code.vpmovdw(ymm3, numbers);
        Code.vcvtph2ps(destination, ymm3);
    }

    /// <summary>A place in a token's part of the block's activations.</summary>
    protected AssemblerMemoryOperand Part(AssemblerMemoryOperandFactory size, int token, int place) => size[r10 + ((token * Layout.PartBytes) + place)];

    private static AssemblerMemoryOperand Scratch(int place, int vector = 0) => __zmmword_ptr[r11 + (place + (vector * VectorBytes))];

    /// <summary>A constant that fills a register, as often as it fits.</summary>
    protected Label Constant<T>(params ReadOnlySpan<T> numbers) where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(numbers);
        var all = new byte[VectorBytes];
        for (var i = 0; i < VectorBytes; i++) all[i] = bytes[i % bytes.Length];
        return Kernel.Constant(all);
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

    private static AssemblerMemoryOperand Row(AssemblerMemoryOperandFactory size, AssemblerRegister64 first, AssemblerRegister64 fifth, int row, int place)
    {
        var near = row < 4 ? first : fifth;
        return (row % 4) switch
        {
            0 => size[near + place],
            1 => size[near + r8 + place],
            2 => size[near + (r8 * 2) + place],
            _ => size[near + r9 + place],
        };
    }

    private static FewTokensKernel Create(TensorType type, int tokens, FewTokensTask task) =>
        type switch
        {
            TensorType.Q4_K => new FewTokensQ4_K(tokens, task),
            TensorType.Q5_K => new FewTokensQ5_K(tokens, task),
            _ => new FewTokensQ6_K(tokens, task),
        };
}
