using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// The product of Q4_K or Q6_K with a few tokens at a time, assembled: the same integers and operations on floats as in
/// <see cref="BlockProduct{TBytes, TPair, TFormat}"/>, hence the same bits.
/// </summary>
/// <remarks>
/// Eight rows go side by side, a block at a time, each an eighth of the registers; so weights are nearly one stream, and little
/// has to change places. A token's eight columns are broadcast to the rows as they are loaded, which takes no time. Sums over
/// so few columns that they fit words are multiplied, two groups at a time, with scales times factors. What changes places
/// does so between the tokens' multiplications, for which the processor has other units. More tokens than a few pass a panel,
/// which is the scratch of some groups of rows.
/// Registers: rsi and rdx the blocks of the first and of the fifth row, r8 the bytes of a row, r9 three times as many; r10 the
/// activations, r11 the scratch, rcx the blocks left, rbx the groups left; r15 and rbp the next blocks of those rows; r13 the
/// next rows, r14 what is asked for; rax the output, r12 its stride. Of the vectors zmm0 to zmm3 are codes, zmm4 to zmm7 sums,
/// zmm16 to zmm23 the tokens' totals, zmm24 and zmm25 activations; k1 to k3 choose quarters, k4 the upper words.
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
    public const int ScratchBytes = Sums + (MostTokens / 2 * VectorBytes);

    /// <summary>The groups of rows of a panel at most; each takes <see cref="ScratchBytes"/>.</summary>
    public const int MostGroups = 4;

    protected const int VectorBytes = 64;

    // In the scratch: for each two groups their scales as words [8 rows, 2, 2 groups]; d [4, 2, 2 rows]; for each two tokens
    // what is subtracted from their totals times d, and the sums of all blocks [4, 2 tokens, 2 rows]; three times 64 bytes of
    // eight rows [8, 8 rows, 8].
    protected const int Scales = 0, Heads = Scales + (8 * VectorBytes), Minimums = Heads + VectorBytes;

    protected const int FirstColumns = Minimums + (4 * VectorBytes), LastColumns = FirstColumns + (8 * VectorBytes), UpperColumns = LastColumns + (8 * VectorBytes);

    // Of a panel only: the groups' minimums [3], dmin.
    protected const int GroupMinimums = UpperColumns + (8 * VectorBytes), MinimumHeads = GroupMinimums + (3 * VectorBytes);

    private const int Sums = MinimumHeads + VectorBytes;

    private static readonly ConcurrentDictionary<(TensorType, int, FewTokensTask), nint> Loaded = [];

    private readonly FewTokensTask _task;

    // What is still to be added between multiplications, and between how many.
    private readonly Queue<Action> _beside = [];

    private int _gaps;

    protected FewTokensKernel(TensorType type, int tokens, FewTokensTask task)
    {
        _task = task;
        Info = type.Info();
        Layout = FewTokensActivations.Of(type);
        Tokens = tokens;
    }

    protected static AssemblerRegisterZMM[] Totals { get; } = [zmm16, zmm17, zmm18, zmm19, zmm20, zmm21, zmm22, zmm23];

    protected TensorTypeInfo Info { get; }

    protected FewTokensActivations Layout { get; }

    protected int Tokens { get; }

    /// <summary>How many pairs of tokens, the last one of one token if need be.</summary>
    protected int Twos => (Tokens + 1) / 2;

    protected KernelAssembler Kernel { get; } = new();

    protected Assembler Code => Kernel.Code;

    protected Quarters Quarters => new(Kernel);

    /// <summary>The times that the tokens pass in a block.</summary>
    protected abstract int Passes { get; }

    /// <summary>Whether the kernels take a product of two or more tokens; one has a kernel of its own.</summary>
    /// <param name="type">The block format.</param>
    /// <param name="rows">The rows of the weights.</param>
    public static bool Takes(TensorType type, int rows) => type is TensorType.Q4_K or TensorType.Q6_K && rows % Rows == 0;

    /// <summary>The kernel for so many tokens, assembled when it is first asked for.</summary>
    /// <param name="type">The block format: Q4_K or Q6_K.</param>
    /// <param name="tokens">One to <see cref="MostTokens"/>; to fill a panel, any.</param>
    /// <param name="task">What it does.</param>
    /// <returns>The function, or null if there is none or the system allows no code to be made.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(TensorType type, int tokens, FewTokensTask task = FewTokensTask.Stream)
    {
        if (!KernelAssembler.IsSupported) return null;
        return (delegate* unmanaged[Cdecl]<void*, void>)Loaded.GetOrAdd((type, tokens, task), static key => (nint)Create(key.Item1, key.Item2, key.Item3).Assemble());
    }

    /// <summary>What a format's own vectors are used for while it multiplies: eight, and one more.</summary>
    protected abstract ReadOnlySpan<AssemblerRegisterZMM> TranspositionRegisters { get; }

    /// <summary>Loads the constants.</summary>
    protected abstract void Prepare();

    /// <summary>Transposes what <see cref="Multiply"/> finds of the block at two places, the first and the fifth row.</summary>
    protected abstract IEnumerable<Action> Begin(AssemblerRegister64 first, AssemblerRegister64 fifth);

    /// <summary>Leaves the tokens' totals of a block of eight rows, and transposes for the next one.</summary>
    protected abstract void Multiply();

    /// <summary>Leaves in the scratch what <see cref="MultiplyPanel"/> finds there of a block of eight rows.</summary>
    protected abstract void Fill();

    /// <summary>Leaves the tokens' totals of a block of eight rows in a panel.</summary>
    protected abstract void MultiplyPanel();

    /// <summary>Turns totals in zmm0, as <see cref="TotalsOfTwo"/> leaves them, to floats times their scale.</summary>
    protected abstract void Scale(int two);

    /// <summary>All tokens times 32 columns of two groups: sums of the first in one word of each pair, of the second in the other.</summary>
    /// <param name="pass">Which of the <see cref="Passes"/>.</param>
    /// <param name="first">For each eight columns of the first group its codes.</param>
    /// <param name="second">For each eight columns of the second group its codes.</param>
    /// <param name="activations">Where in a token's part the columns begin.</param>
    /// <param name="start">Where the numbers lie that the sums begin with, or null for zero.</param>
    protected void MultiplyGroups(int pass, ReadOnlySpan<AssemblerRegisterZMM> first, ReadOnlySpan<AssemblerRegisterZMM> second, int activations, int? start)
    {
        for (var token = 0; token < Tokens; token++)
        {
            var (low, high, columns) = token % 2 == 0 ? (zmm4, zmm5, zmm24) : (zmm6, zmm7, zmm25);
            if (start is { } place)
            {
                Code.vpbroadcastq(low, Part(__qword_ptr, token, place));
                Code.vpbroadcastq(high, Part(__qword_ptr, token, place + sizeof(long)));
            }
            else
            {
                // Of the encodings only the short one waits for nothing.
                foreach (var register in token % 2 == 0 ? (AssemblerRegisterXMM[])[xmm4, xmm5] : [xmm6, xmm7]) Code.vpxor(register, register, register);
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
            Code.vpbroadcastd(high, Part(__dword_ptr, token, FewTokensActivations.Factors + (pass * sizeof(int))));
            Code.vpmullw(high, high, Scratch(Scales, pass));
            if (pass == 0) Code.vpmaddwd(Totals[token], low, high);
            else Code.vpdpwssd(Totals[token], low, high);
            Ask((pass * Tokens) + token);
            if (_beside.Count == 0) continue;
            for (var left = (_beside.Count + _gaps - 1) / _gaps; left > 0; left--) _beside.Dequeue()();
            _gaps--;
        }
    }

    /// <summary>Of two tokens, in each quarter of zmm0 the totals of two rows and then of the same rows; zmm1 is lost.</summary>
    protected void TotalsOfTwo(int two)
    {
        var (first, second) = (Totals[2 * two], Totals[Math.Min(Tokens - 1, (2 * two) + 1)]);
        Code.vshufps(zmm0, first, second, 0b10_00_10_00);
        Code.vshufps(zmm1, first, second, 0b11_01_11_01);
        Code.vpaddd(zmm0, zmm0, zmm1);
    }

    /// <summary>64 bytes of eight rows, step by step: eight bytes of all rows come together in the scratch.</summary>
    /// <param name="first">The block of the first row.</param>
    /// <param name="fifth">The block of the fifth row.</param>
    /// <param name="place">Where in a block the bytes begin.</param>
    /// <param name="columns">Where in the scratch they go.</param>
    protected IEnumerable<Action> Transpose(AssemblerRegister64 first, AssemblerRegister64 fifth, int place, int columns)
    {
        AssemblerRegisterZMM[] registers = [.. TranspositionRegisters];
        var (even, odd, free) = (registers[..4], registers[4..8], registers[8]);
        for (var i = 0; i < 4; i++)
        {
            var (row, a, b, low) = (2 * i, even[i], odd[i], free);
            yield return () =>
            {
                Code.vmovdqu64(a, Row(__zmmword_ptr, first, fifth, row, place));
                Code.vmovdqu64(b, Row(__zmmword_ptr, first, fifth, row + 1, place));
            };
            yield return () =>
            {
                Code.vpunpcklqdq(low, a, b);
                Code.vpunpckhqdq(b, a, b);
            };
            (even[i], free) = (low, a);
        }

        foreach (var step in TransposeQuarters(even, free, columns)) yield return step;
        foreach (var step in TransposeQuarters(odd, free, columns + VectorBytes)) yield return step;
    }

    /// <summary>Adds some steps between the multiplications of all tokens to come, in so many passes.</summary>
    protected void AddBeside(IEnumerable<Action> steps, int passes)
    {
        foreach (var step in steps) _beside.Enqueue(step);
        _gaps = passes * Tokens;
    }

    /// <summary>Sixteen bytes of four rows, every second one from a row on.</summary>
    protected void LoadQuarters(AssemblerRegisterZMM register, AssemblerRegisterXMM low, int row, int place)
    {
        Code.vmovdqu(low, Row(__xmmword_ptr, rsi, rdx, row, place));
        Code.vbroadcasti32x4(register.k1, Row(__xmmword_ptr, rsi, rdx, row + 2, place));
        Code.vbroadcasti32x4(register.k2, Row(__xmmword_ptr, rsi, rdx, row + 4, place));
        Code.vbroadcasti32x4(register.k3, Row(__xmmword_ptr, rsi, rdx, row + 6, place));
    }

    /// <summary>The lower half of each number of two bytes as a float; ymm3 is lost.</summary>
    protected void ConvertHalves(AssemblerRegisterZMM destination, AssemblerRegisterZMM numbers)
    {
        Code.vpmovdw(ymm3, numbers);
        Code.vcvtph2ps(destination, ymm3);
    }

    /// <summary>A place in a token's part of the block's activations.</summary>
    protected AssemblerMemoryOperand Part(AssemblerMemoryOperandFactory size, int token, int place) => size[r10 + ((token * Layout.PartBytes) + place)];

    protected static AssemblerMemoryOperand Scratch(int place, int vector = 0) => __zmmword_ptr[r11 + (place + (vector * VectorBytes))];

    /// <summary>A constant that fills a register, as often as it fits.</summary>
    protected Label Constant<T>(params ReadOnlySpan<T> numbers) where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(numbers);
        var all = new byte[VectorBytes];
        for (var i = 0; i < VectorBytes; i++) all[i] = bytes[i % bytes.Length];
        return Kernel.Constant(all);
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
        type == TensorType.Q4_K ? new FewTokensQ4_K(tokens, task) : new FewTokensQ6_K(tokens, task);

    // The quarters of four registers, to every second vector of the scratch.
    private IEnumerable<Action> TransposeQuarters(AssemblerRegisterZMM[] four, AssemblerRegisterZMM free, int columns)
    {
        yield return () =>
        {
            Code.vshufi32x4(free, four[0], four[1], 0b01_00_01_00);
            Code.vshufi32x4(four[0], four[0], four[1], 0b11_10_11_10);
        };
        yield return () =>
        {
            Code.vshufi32x4(four[1], four[2], four[3], 0b01_00_01_00);
            Code.vshufi32x4(four[2], four[2], four[3], 0b11_10_11_10);
        };
        for (var i = 0; i < 4; i++)
        {
            var column = i;
            yield return () =>
            {
                var (low, high) = column < 2 ? (free, four[1]) : (four[0], four[2]);
                Code.vshufi32x4(four[3], low, high, (byte)(column % 2 == 0 ? 0b10_00_10_00 : 0b11_01_11_01));
                Code.vmovdqa64(Scratch(columns, 2 * column), four[3]);
            };
        }
    }
}
