using System.Collections.Concurrent;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>What the numbers of a tile are: how weights become operands, and which instruction multiplies them.</summary>
internal enum TileNumbers
{
    /// <summary>float32 by float32.</summary>
    Float32,

    /// <summary>Half precision, converted, by float32.</summary>
    Half,

    /// <summary>bfloat16, converted, by float32.</summary>
    BFloat16,

    /// <summary>bfloat16 by bfloat16: pairs of products are added to a float32 sum.</summary>
    BFloat16Pairs,
}

/// <summary>
/// The product of a few rows with a few tokens: an accumulator of sixteen lanes for each output, columns ascending, and at the
/// end the tree of all paths. Twenty-four accumulators, with operands loaded once a step for the whole tile, keep the
/// multipliers busy from the second-level cache.
/// </summary>
/// <remarks>
/// Registers: rsi the weights and r12 to r15 one, three, five and seven strides of theirs; r8 the inputs and r10, r11, r9 one,
/// three and five strides; rdx the steps left, rbx the tiles left, rcx the partial sums, rbp what is asked for ahead; zmm8 to
/// zmm31 the sums, row by row.
/// </remarks>
internal sealed class FloatTileKernel
{
    /// <summary>The sums of a tile at most.</summary>
    public const int MostSums = 24;

    private const int LineBytes = 64;

    // Places in the arguments.
    private const int Weights = 0, WeightStride = 8, WeightStep = 16, WeightJump = 24, Input = 32, InputStride = 40, InputStep = 48,
        InputJump = 56, Steps = 64, Tiles = 72, Partials = 80, Continue = 88, Pause = 96, Output = 104, OutputStride = 112,
        OutputJump = 120, Ahead = 128;

    private static readonly ConcurrentDictionary<(TileNumbers, int, int, int), nint> Loaded = [];

    private static readonly AssemblerRegisterZMM[] Registers =
    [
        zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm13, zmm14, zmm15,
        zmm16, zmm17, zmm18, zmm19, zmm20, zmm21, zmm22, zmm23, zmm24, zmm25, zmm26, zmm27, zmm28, zmm29, zmm30, zmm31,
    ];

    private readonly KernelAssembler _kernel = new();
    private readonly TileNumbers _numbers;
    private readonly int _rows, _tokens, _asked;

    private FloatTileKernel(TileNumbers numbers, int rows, int tokens, int asked) =>
        (_numbers, _rows, _tokens, _asked) = (numbers, rows, tokens, asked);

    private Assembler Code => _kernel.Code;

    /// <summary>The kernel of a tile, assembled when it is first asked for.</summary>
    /// <param name="numbers">What is multiplied.</param>
    /// <param name="rows">Four or eight.</param>
    /// <param name="tokens">How many; rows and tokens make at most <see cref="MostSums"/> sums.</param>
    /// <param name="asked">
    /// Of how many rows, a row's distance apart, a step asks for what follows them in memory; 0 asks for a line a step instead.
    /// </param>
    /// <returns>The function, or null if the processor lacks the instructions or the system allows no code to be made.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(TileNumbers numbers, int rows, int tokens, int asked = 0) =>
        KernelAssembler.IsSupported && (numbers != TileNumbers.BFloat16Pairs || KernelAssembler.HasBFloat16)
            ? (delegate* unmanaged[Cdecl]<void*, void>)Loaded.GetOrAdd(
                (numbers, rows, tokens, asked), static key => (nint)new FloatTileKernel(key.Item1, key.Item2, key.Item3, key.Item4).Assemble())
            : null;

    private unsafe delegate* unmanaged[Cdecl]<void*, void> Assemble()
    {
        var tile = Code.CreateLabel();
        var step = Code.CreateLabel();
        var stop = Code.CreateLabel();
        var next = Code.CreateLabel();
        Code.mov(r12, __qword_ptr[rdi + WeightStride]);
        Code.lea(r13, __[r12 + (r12 * 2)]);
        Code.lea(r14, __[r12 + (r12 * 4)]);
        Code.lea(r15, __[r13 + (r12 * 4)]);
        Code.mov(r10, __qword_ptr[rdi + InputStride]);
        Code.lea(r11, __[r10 + (r10 * 2)]);
        Code.lea(r9, __[r10 + (r10 * 4)]);
        Code.mov(rbx, __qword_ptr[rdi + Tiles]);
        Code.mov(rcx, __qword_ptr[rdi + Partials]);
        Code.mov(rbp, __qword_ptr[rdi + Ahead]);

        Code.Label(ref tile);
        if (_asked > 0) Code.mov(rbp, __qword_ptr[rdi + Ahead]);
        Code.mov(rsi, __qword_ptr[rdi + Weights]);
        Code.mov(r8, __qword_ptr[rdi + Input]);
        Code.mov(rdx, __qword_ptr[rdi + Steps]);
        for (var i = 0; i < _rows * _tokens; i++) Code.vpxord(Sum(i), Sum(i), Sum(i));
        Code.cmp(__qword_ptr[rdi + Continue], 0);
        Code.je(step);
        for (var i = 0; i < _rows * _tokens; i++) Code.vmovups(Sum(i), __zmmword_ptr[rcx + (i * LineBytes)]);
        Code.Label(ref step);
        MultiplyAdd();
        AskAhead();
        Code.add(rsi, __qword_ptr[rdi + WeightStep]);
        Code.add(r8, __qword_ptr[rdi + InputStep]);
        Code.dec(rdx);
        Code.jnz(step);

        Code.cmp(__qword_ptr[rdi + Pause], 0);
        Code.jne(stop);
        AddUp();
        Code.jmp(next);
        Code.Label(ref stop);
        for (var i = 0; i < _rows * _tokens; i++) Code.vmovups(__zmmword_ptr[rcx + (i * LineBytes)], Sum(i));
        Code.Label(ref next);
        Code.add(rcx, _rows * _tokens * LineBytes);
        Jump(Weights, WeightJump);
        if (_asked > 0) Jump(Ahead, WeightJump);
        Jump(Input, InputJump);
        Jump(Output, OutputJump);
        Code.dec(rbx);
        Code.jnz(tile);
        return _kernel.Load();
    }

    private static AssemblerRegisterZMM Sum(int index) => Registers[8 + index];

    private AssemblerRegisterZMM Sum(int row, int token) => Sum((row * _tokens) + token);

    private void Jump(int pointer, int distance)
    {
        Code.mov(rax, __qword_ptr[rdi + distance]);
        Code.add(__qword_ptr[rdi + pointer], rax);
    }

    // The operands of the shorter side stay in registers, those of the other pass by.
    private void MultiplyAdd()
    {
        if (_tokens <= _rows)
        {
            for (var token = 0; token < _tokens; token++) LoadInput(Registers[token], token);
            for (var row = 0; row < _rows; row++)
            {
                // Two registers in turn, so that a load need not wait.
                var weight = Registers[6 + (row % 2)];
                LoadWeight(weight, row);
                for (var token = 0; token < _tokens; token++) MultiplyAdd(Sum(row, token), weight, Registers[token]);
            }

            return;
        }

        for (var row = 0; row < _rows; row++) LoadWeight(Registers[row], row);
        for (var token = 0; token < _tokens; token++)
        {
            var input = Registers[6 + (token % 2)];
            LoadInput(input, token);
            for (var row = 0; row < _rows; row++) MultiplyAdd(Sum(row, token), Registers[row], input);
        }
    }

    private void MultiplyAdd(AssemblerRegisterZMM sum, AssemblerRegisterZMM weight, AssemblerRegisterZMM input)
    {
        if (_numbers == TileNumbers.BFloat16Pairs) Code.vdpbf16ps(sum, weight, input);
        else Code.vfmadd231ps(sum, weight, input);
    }

    private void LoadInput(AssemblerRegisterZMM register, int token) => Code.vmovups(register, token switch
    {
        0 => __zmmword_ptr[r8],
        1 => __zmmword_ptr[r8 + r10],
        2 => __zmmword_ptr[r8 + (r10 * 2)],
        3 => __zmmword_ptr[r8 + r11],
        4 => __zmmword_ptr[r8 + (r10 * 4)],
        _ => __zmmword_ptr[r8 + r9],
    });

    private void LoadWeight(AssemblerRegisterZMM register, int row)
    {
        switch (_numbers)
        {
            case TileNumbers.Half:
                Code.vcvtph2ps(register, At(__ymmword_ptr, rsi, row));
                break;
            case TileNumbers.BFloat16:
                Code.vpmovzxwd(register, At(__ymmword_ptr, rsi, row));
                Code.vpslld(register, register, 16);
                break;
            default:
                Code.vmovups(register, At(__zmmword_ptr, rsi, row));
                break;
        }
    }

    private static AssemblerMemoryOperand At(AssemblerMemoryOperandFactory size, AssemblerRegister64 first, int row) => row switch
    {
        0 => size[first],
        1 => size[first + r12],
        2 => size[first + (r12 * 2)],
        3 => size[first + r13],
        4 => size[first + (r12 * 4)],
        5 => size[first + r14],
        6 => size[first + (r13 * 2)],
        _ => size[first + r15],
    };

    private void AskAhead()
    {
        if (_asked == 0)
        {
            Code.prefetcht1(__byte_ptr[rbp]);
            Code.add(rbp, LineBytes);
            return;
        }

        for (var row = 0; row < _asked; row++) Code.prefetcht1(At(__byte_ptr, rbp, row));
        Code.add(rbp, __qword_ptr[rdi + WeightStep]);
    }

    // 8 + 8, 4 + 4, 2 + 2, 1 + 1: of four rows at once.
    private void AddUp()
    {
        Code.mov(rax, __qword_ptr[rdi + Output]);
        Code.mov(esi, 0x1111);
        Code.kmovw(k1, esi);
        for (var token = 0; token < _tokens; token++)
        {
            for (var row = 0; row < _rows; row += 4)
            {
                AddHalves(zmm0, Sum(row, token), Sum(row + 1, token), 0x44, 0xEE);
                AddHalves(zmm2, Sum(row + 2, token), Sum(row + 3, token), 0x44, 0xEE);
                AddHalves(zmm0, zmm0, zmm2, 0x88, 0xDD);
                Code.vshufps(zmm1, zmm0, zmm0, 0b01_00_11_10);
                Code.vaddps(zmm0, zmm0, zmm1);
                Code.vmovshdup(zmm1, zmm0);
                Code.vaddps(zmm0, zmm0, zmm1);
                Code.vcompressps(zmm0.k1.z, zmm0);
                Code.vmovups(__xmmword_ptr[rax + (row * sizeof(float))], xmm0);
            }

            Code.add(rax, __qword_ptr[rdi + OutputStride]);
        }
    }

    // Quarters of two registers, the first of each pair plus the last.
    private void AddHalves(AssemblerRegisterZMM sum, AssemblerRegisterZMM a, AssemblerRegisterZMM b, byte first, byte last)
    {
        Code.vshuff64x2(zmm4, a, b, first);
        Code.vshuff64x2(zmm5, a, b, last);
        Code.vaddps(sum, zmm4, zmm5);
    }
}
