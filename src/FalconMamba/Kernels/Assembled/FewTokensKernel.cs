using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// The product of block weights with a few tokens at a time, assembled: the same integers and operations on floats as in
/// <see cref="BlockProduct{TBytes, TPair, TFormat}"/>, hence the same bits.
/// </summary>
/// <remarks>
/// Eight rows go side by side, a block at a time, each an eighth of the registers; so weights are nearly one stream, and little
/// has to change places. A token's eight columns are broadcast to the rows as they are loaded, which takes no time. What changes
/// places does so between the tokens' multiplications, for which the processor has other units, and stays in registers: a store
/// would take time from them. More tokens than a few pass a panel, which is the scratch of some groups of rows.
/// Registers: rsi and rdx the blocks of the first and of the fifth row, r8 the bytes of a row, r9 three times as many; r10 the
/// activations, r11 the scratch, rcx the blocks left, rbx the groups left; r15 and rbp the next blocks of those rows; r13 the
/// next rows, r14 what is asked for; rax the output, r12 its stride. k4 chooses every second number.
/// </remarks>
internal abstract partial class FewTokensKernel
{
    /// <summary>The rows that go side by side.</summary>
    public const int Rows = 8;

    /// <summary>The tokens of a pass at most: more find no registers.</summary>
    public const int MostTokens = 8;

    /// <summary>The tokens of all passes at most: a third pass would cost more than a panel.</summary>
    public const int MostTogether = 2 * MostTokens;

    /// <summary>The bytes of scratch, which begins at a multiple of 64: those of a group of a panel, at most.</summary>
    public const int ScratchBytes = 56 * VectorBytes;

    /// <summary>The groups of rows of a panel at most; each takes <see cref="ScratchBytes"/>.</summary>
    public const int MostGroups = 4;

    protected const int VectorBytes = 64, Group = ActivationQuantizer.Group;

    // In the scratch while rows are streamed: for each two tokens the sums of all blocks, [8 rows, 2 tokens].
    protected const int Sums = 0;

    private static readonly ConcurrentDictionary<(TensorType, int, FewTokensTask), nint> Loaded = [];

    // What is still to be added between multiplications, and between how many.
    private readonly Queue<Action> _beside = [];

    private int _gaps;

    /// <param name="type">The block format.</param>
    /// <param name="tokens">The tokens of a pass.</param>
    /// <param name="task">What it does.</param>
    protected FewTokensKernel(TensorType type, int tokens, FewTokensTask task)
    {
        Task = task;
        Info = type.Info();
        Layout = FewTokensActivations.Of(type, isOfPanels: task != FewTokensTask.Stream);
        Tokens = tokens;
    }

    protected FewTokensTask Task { get; }

    protected TensorTypeInfo Info { get; }

    protected FewTokensActivations Layout { get; }

    protected int Tokens { get; }

    /// <summary>How many pairs of tokens, the last one of one token if need be.</summary>
    protected int Twos => (Tokens + 1) / 2;

    protected KernelAssembler Kernel { get; } = new();

    protected Assembler Code => Kernel.Code;

    /// <summary>The tokens of a tile at most: half as many where two groups of rows, together, leave no registers for more.</summary>
    public static int MostTokensOfTile(TensorType type) => type is TensorType.Q5_K or TensorType.Q6_K ? MostTokens / 2 : MostTokens;

    /// <summary>Whether the kernels take a product, but for what is left of its rows. One token has a kernel of its own.</summary>
    /// <param name="rows">The rows of the weights.</param>
    /// <param name="tokens">The tokens.</param>
    public static bool Takes(int rows, int tokens) => rows >= Rows && tokens >= 2;

    /// <summary>The kernel for so many tokens, assembled when it is first asked for.</summary>
    /// <param name="type">The block format.</param>
    /// <param name="tokens">One to <see cref="MostTokens"/>; to fill a panel, any.</param>
    /// <param name="task">What it does.</param>
    /// <returns>The function, or null if there is none or the system allows no code to be made.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(TensorType type, int tokens, FewTokensTask task = FewTokensTask.Stream)
    {
        if (!KernelAssembler.IsSupported) return null;
        return (delegate* unmanaged[Cdecl]<void*, void>)Loaded.GetOrAdd((type, tokens, task), static key => (nint)Create(key.Item1, key.Item2, key.Item3).Assemble());
    }

    /// <summary>The groups of a panel that are multiplied together: one or two.</summary>
    protected abstract int GroupsAtOnce { get; }

    /// <summary>Loads the constants.</summary>
    protected abstract void Prepare();

    /// <summary>Brings together what comes first of the blocks at two places: those of the first and of the fifth row.</summary>
    protected abstract IEnumerable<Action> Begin(AssemblerRegister64 first, AssemblerRegister64 fifth);

    /// <summary>Sets the sums of rows that are streamed to zero.</summary>
    protected abstract void ClearSums();

    /// <summary>Adds a block's products to the sums, and begins the next one.</summary>
    protected abstract void Multiply();

    /// <summary>Leaves the sums of streamed rows in the scratch.</summary>
    protected abstract void KeepSums();

    /// <summary>Unpacks the blocks of eight rows into their part of a panel.</summary>
    protected abstract void Fill();

    /// <summary>Adds the products of some of a panel's groups with a tile to the sums of these.</summary>
    /// <param name="groups">One, or <see cref="GroupsAtOnce"/>.</param>
    protected abstract void MultiplyPanel(int groups);

    /// <summary>Of two tokens' sums, each in two halves, the totals of eight rows: those of both tokens side by side.</summary>
    protected void AddHalves(AssemblerRegisterZMM destination, AssemblerRegisterZMM scratch, AssemblerRegisterZMM first, AssemblerRegisterZMM second)
    {
        Code.vpblendmd(destination.k4, first, second);
        Code.vpblendmd(scratch.k4, second, first);
        Code.vpshufd(scratch, scratch, 0b10_11_00_01);
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

    /// <summary>Sixteen bytes of four rows, every second one from a row on, step by step.</summary>
    /// <param name="register">Where they come together.</param>
    /// <param name="low">Its lowest part.</param>
    /// <param name="first">The block of the first row.</param>
    /// <param name="fifth">The block of the fifth row.</param>
    /// <param name="row">The row: 0 or 1.</param>
    /// <param name="place">Where in a block the bytes begin.</param>
    protected IEnumerable<Action> LoadQuarters(
        AssemblerRegisterZMM register, AssemblerRegisterXMM low, AssemblerRegister64 first, AssemblerRegister64 fifth, int row, int place)
    {
        yield return () => Code.vmovdqu32(low, Row(__xmmword_ptr, first, fifth, row, place));
        for (var quarter = 1; quarter < 4; quarter++)
        {
            var (part, next) = ((byte)quarter, row + (2 * quarter));
            yield return () => Code.vinserti32x4(register, register, Row(__xmmword_ptr, first, fifth, next, place), part);
        }
    }

    /// <summary>Adds some steps between the multiplications to come.</summary>
    /// <param name="steps">The steps.</param>
    /// <param name="gaps">How often <see cref="TakeBeside"/> will be called.</param>
    protected void AddBeside(IEnumerable<Action> steps, int gaps)
    {
        foreach (var step in steps) _beside.Enqueue(step);
        _gaps = gaps;
    }

    /// <summary>Takes a share of those steps.</summary>
    protected void TakeBeside()
    {
        if (_beside.Count == 0) return;
        for (var left = (_beside.Count + _gaps - 1) / _gaps; left > 0; left--) _beside.Dequeue()();
        _gaps--;
    }

    /// <summary>A place in a token's part of the block's activations.</summary>
    protected AssemblerMemoryOperand Part(int token, int place) => __qword_ptr[r10 + ((token * Layout.PartBytes) + place)];

    /// <summary>What the block's activations have for two tokens together.</summary>
    protected AssemblerMemoryOperand Two(int two, int place = 0) => __qword_ptr[r10 + (Layout.TwosPlace(Tokens) + (two * FewTokensActivations.TwoBytes) + place)];

    /// <summary>The sums of two tokens of the tile.</summary>
    protected AssemblerMemoryOperand TileSums(int group, int two) => __zmmword_ptr[rax + (((group * Twos) + two) * VectorBytes)];

    protected static AssemblerMemoryOperand Scratch(int place, int vector = 0) => __zmmword_ptr[r11 + (place + (vector * VectorBytes))];

    /// <summary>A constant that fills a register, as often as it fits.</summary>
    protected Label Constant<T>(params ReadOnlySpan<T> numbers) where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(numbers);
        var all = new byte[VectorBytes];
        for (var i = 0; i < VectorBytes; i++) all[i] = bytes[i % bytes.Length];
        return Kernel.Constant(all);
    }

    /// <summary>A place in a row's block.</summary>
    protected static AssemblerMemoryOperand Row(AssemblerMemoryOperandFactory size, AssemblerRegister64 first, AssemblerRegister64 fifth, int row, int place)
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
            TensorType.Q6_K => new FewTokensQ6_K(tokens, task),
            _ => new FewTokensShort(type, tokens, task),
        };
}
