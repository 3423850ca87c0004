using System.Collections.Concurrent;
using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// The product of <see cref="MatrixProduct{T, TFormat}"/> for one token, assembled: the same sixteen chains and the same tree,
/// hence the same bits. Half precision is converted by an instruction that the runtime does not offer. With activations rounded
/// to bfloat16 the chains and the tree are those of <see cref="FloatTileKernel"/>.
/// </summary>
/// <remarks>
/// Registers: rsi the weights, r12 a row's bytes, r13 three times as many; r8 the activations, rdx the columns left, rbx the
/// groups left, rax the output. A step takes 64 bytes of each row. Rows of 16 bits go one by one, as a single stream of
/// memory; float32, which has half as many links for a byte, gains from four.
/// </remarks>
internal sealed class FloatKernel
{
    private const int Lanes = 16, LineBytes = 64, PrefetchBytes = 4096, PageBytes = 4096, PageAheadBytes = 32 * 1024;

    private static readonly ConcurrentDictionary<(TensorType, bool), nint> Loaded = [];

    private static readonly AssemblerRegisterZMM[] Sums = [zmm16, zmm17, zmm18, zmm19];

    private readonly KernelAssembler _kernel = new();
    private readonly TensorType _type;
    private readonly bool _inPairs;

    private FloatKernel(TensorType type, bool inPairs) => (_type, _inPairs) = (type, inPairs);

    private Assembler Code => _kernel.Code;

    private int Rows => RowsAtOnce(_type);

    private int Size => SizeOf(_type);

    // What a line of weights is multiplied with.
    private int InputBytes => _inPairs ? LineBytes : LineBytes / Size * sizeof(float);

    /// <summary>How many rows a kernel takes at once.</summary>
    public static int RowsAtOnce(TensorType type) => type == TensorType.F32 ? 4 : 1;

    /// <summary>The kernel for weights of a type, assembled when it is first asked for.</summary>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="columns">The columns of a row.</param>
    /// <param name="inPairs">Whether activations are bfloat16, as the weights then are.</param>
    /// <returns>
    /// The function, or null if there is none for such rows, the processor lacks the instructions or the system allows no code
    /// to be made.
    /// </returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(TensorType type, int columns, bool inPairs = false) =>
        KernelAssembler.IsSupported && (!inPairs || KernelAssembler.HasBFloat16) && columns > 0 && columns * SizeOf(type) % LineBytes == 0
            ? (delegate* unmanaged[Cdecl]<void*, void>)Loaded.GetOrAdd(
                (type, inPairs), static key => (nint)new FloatKernel(key.Item1, key.Item2).Assemble())
            : null;

    private static int SizeOf(TensorType type) => type == TensorType.F32 ? sizeof(float) : sizeof(ushort);

    private unsafe delegate* unmanaged[Cdecl]<void*, void> Assemble()
    {
        var group = Code.CreateLabel();
        var line = Code.CreateLabel();
        Code.mov(rsi, __qword_ptr[rdi]);
        Code.mov(rax, __qword_ptr[rdi + 16]);
        Code.mov(rbx, __qword_ptr[rdi + 24]);
        Code.mov(r12, __qword_ptr[rdi + 32]);
        Code.imul(r12, r12, Size);
        Code.lea(r13, __[r12 + (r12 * 2)]);

        Code.Label(ref group);
        Code.mov(r8, __qword_ptr[rdi + 8]);
        Code.mov(rdx, __qword_ptr[rdi + 32]);
        for (var row = 0; row < Rows; row++) Code.vpxord(Sums[row], Sums[row], Sums[row]);
        Code.Label(ref line);
        AskForPageAhead();
        for (var row = 0; row < Rows; row++) Code.prefetcht0(At(__byte_ptr, row, PrefetchBytes));
        if (_inPairs) MultiplyAddPairs();
        else for (var place = 0; place < LineBytes; place += Lanes * Size) MultiplyAdd(place);
        Code.add(rsi, LineBytes);
        Code.add(r8, InputBytes);
        Code.sub(rdx, LineBytes / Size);
        Code.jnz(line);
        for (var row = 0; row < Rows; row++) Store(row);
        Code.add(rax, Rows * sizeof(float));
        for (var row = 1; row < Rows; row++) Code.add(rsi, r12);
        Code.dec(rbx);
        Code.jnz(group);
        return _kernel.Load();
    }

    // So early that the page is found in time, and once a page: measured, as often as a line is multiplied it helps no more.
    private void AskForPageAhead()
    {
        var none = Code.CreateLabel();
        Code.test(esi, PageBytes - LineBytes);
        Code.jnz(none);
        for (var row = 0; row < Rows; row++) Code.prefetcht1(At(__byte_ptr, row, PageAheadBytes));
        Code.Label(ref none);
    }

    private static AssemblerMemoryOperand At(AssemblerMemoryOperandFactory size, int row, int place) => row switch
    {
        0 => size[rsi + place],
        1 => size[rsi + r12 + place],
        2 => size[rsi + (r12 * 2) + place],
        _ => size[rsi + r13 + place],
    };

    // Weights are the first factor, as in a tile.
    private void MultiplyAddPairs()
    {
        for (var row = 0; row < Rows; row++)
        {
            Code.vmovups(zmm1, At(__zmmword_ptr, row, 0));
            Code.vdpbf16ps(Sums[row], zmm1, __zmmword_ptr[r8]);
        }
    }

    private void MultiplyAdd(int place)
    {
        Code.vmovups(zmm0, __zmmword_ptr[r8 + (place / Size * sizeof(float))]);
        for (var row = 0; row < Rows; row++)
        {
            switch (_type)
            {
                case TensorType.F32:
                    Code.vfmadd231ps(Sums[row], zmm0, At(__zmmword_ptr, row, place));
                    continue;
                case TensorType.F16:
                    Code.vcvtph2ps(zmm1, At(__ymmword_ptr, row, place));
                    break;
                default:
                    Code.vpmovzxwd(zmm1, At(__ymmword_ptr, row, place));
                    Code.vpslld(zmm1, zmm1, 16);
                    break;
            }

            Code.vfmadd231ps(Sums[row], zmm1, zmm0);
        }
    }

    // 8 + 8, 4 + 4, 2 + 2, 1 + 1.
    private void Store(int row)
    {
        Code.vextractf64x4(ymm0, Sums[row], 1);
        Code.vmovaps(zmm1, Sums[row]);
        Code.vaddps(ymm0, ymm1, ymm0);
        Code.vextractf128(xmm1, ymm0, 1);
        Code.vaddps(xmm0, xmm0, xmm1);
        Code.vshufps(xmm1, xmm0, xmm0, 0b01_00_11_10);
        Code.vaddps(xmm0, xmm0, xmm1);
        Code.vmovshdup(xmm1, xmm0);
        Code.vaddss(xmm0, xmm0, xmm1);
        Code.vmovss(__dword_ptr[rax + (row * sizeof(float))], xmm0);
    }
}
