using System.Collections.Concurrent;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>How numbers change on their way into lines of 64 bytes.</summary>
internal enum LineConversion
{
    /// <summary>Not at all: sixteen float32, or thirty-two bfloat16.</summary>
    None,

    /// <summary>Half precision to float32.</summary>
    HalfToFloat32,

    /// <summary>bfloat16 to float32.</summary>
    BFloat16ToFloat32,

    /// <summary>float32 to the nearest bfloat16, the even one of two; subnormal numbers become zero.</summary>
    Float32ToBFloat16,
}

/// <summary>What an assembled copy of a row into lines reads at its only pointer; the order is the code's.</summary>
internal unsafe struct LineKernelArguments
{
    /// <summary>The first row.</summary>
    public byte* Source;

    /// <summary>Bytes from a row to the next.</summary>
    public long Stride;

    /// <summary>The first row's first line.</summary>
    public byte* Destination;

    /// <summary>Bytes from a row's line to its next.</summary>
    public long Distance;

    /// <summary>How many lines of each row, at least one.</summary>
    public long Lines;
}

/// <summary>Lays the lines of up to eight rows side by side: the first of each row, then the second of each.</summary>
/// <remarks>Registers: rsi the rows, r12 to r15 one, three, five and seven strides; rax the lines, rcx their distance, rdx those left.</remarks>
internal sealed class LineKernel
{
    private static readonly ConcurrentDictionary<(LineConversion, int), nint> Loaded = [];

    private readonly KernelAssembler _kernel = new();

    private LineKernel()
    {
    }

    private Assembler Code => _kernel.Code;

    /// <summary>The bytes of a row that fill a line.</summary>
    public static int SourceBytes(LineConversion conversion) => conversion switch
    {
        LineConversion.HalfToFloat32 or LineConversion.BFloat16ToFloat32 => 32,
        LineConversion.Float32ToBFloat16 => 128,
        _ => 64,
    };

    /// <summary>The kernel, assembled when it is first asked for.</summary>
    /// <param name="conversion">What happens to the numbers.</param>
    /// <param name="rows">How many rows, at most eight.</param>
    /// <returns>The function, or null if the processor lacks the instructions or the system allows no code to be made.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(LineConversion conversion, int rows) =>
        KernelAssembler.IsSupported && (conversion != LineConversion.Float32ToBFloat16 || KernelAssembler.HasBFloat16)
            ? (delegate* unmanaged[Cdecl]<void*, void>)Loaded.GetOrAdd(
                (conversion, rows), static key => (nint)new LineKernel().Assemble(key.Item1, key.Item2))
            : null;

    private unsafe delegate* unmanaged[Cdecl]<void*, void> Assemble(LineConversion conversion, int rows)
    {
        var line = Code.CreateLabel();
        Code.mov(rsi, __qword_ptr[rdi]);
        Code.mov(r12, __qword_ptr[rdi + 8]);
        Code.mov(rax, __qword_ptr[rdi + 16]);
        Code.mov(rcx, __qword_ptr[rdi + 24]);
        Code.mov(rdx, __qword_ptr[rdi + 32]);
        Code.lea(r13, __[r12 + (r12 * 2)]);
        Code.lea(r14, __[r12 + (r12 * 4)]);
        Code.lea(r15, __[r13 + (r12 * 4)]);
        Code.Label(ref line);
        for (var row = 0; row < rows; row++)
        {
            Load(conversion, row);
            Code.vmovups(__zmmword_ptr[rax + (row * 64)], zmm0);
        }

        Code.add(rsi, SourceBytes(conversion));
        Code.add(rax, rcx);
        Code.dec(rdx);
        Code.jnz(line);
        return _kernel.Load();
    }

    private void Load(LineConversion conversion, int row)
    {
        switch (conversion)
        {
            case LineConversion.HalfToFloat32:
                Code.vcvtph2ps(zmm0, At(__ymmword_ptr, row, 0));
                break;
            case LineConversion.BFloat16ToFloat32:
                Code.vpmovzxwd(zmm0, At(__ymmword_ptr, row, 0));
                Code.vpslld(zmm0, zmm0, 16);
                break;
            case LineConversion.Float32ToBFloat16:
                Code.vmovups(zmm0, At(__zmmword_ptr, row, 0));
                Code.vmovups(zmm1, At(__zmmword_ptr, row, 64));
                Code.vcvtne2ps2bf16(zmm0, zmm1, zmm0);
                break;
            default:
                Code.vmovups(zmm0, At(__zmmword_ptr, row, 0));
                break;
        }
    }

    private static AssemblerMemoryOperand At(AssemblerMemoryOperandFactory size, int row, int place) => row switch
    {
        0 => size[rsi + place],
        1 => size[rsi + r12 + place],
        2 => size[rsi + (r12 * 2) + place],
        3 => size[rsi + r13 + place],
        4 => size[rsi + (r12 * 4) + place],
        5 => size[rsi + r14 + place],
        6 => size[rsi + (r13 * 2) + place],
        _ => size[rsi + r15 + place],
    };
}
