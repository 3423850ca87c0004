using System.Runtime.Intrinsics.X86;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Assembles kernels for instructions that the runtime does not offer. A kernel is a C function of one pointer, to its
/// arguments; it keeps what both calling conventions of x64 ask for.
/// </summary>
internal sealed class KernelAssembler
{
    // Pushed in this order; the last two, and the vectors, belong to the caller on Windows only.
    private static readonly AssemblerRegister64[] Saved = [rbx, rbp, r12, r13, r14, r15, rdi, rsi];

    private static readonly AssemblerRegisterXMM[] SavedVectors = [xmm6, xmm7, xmm8, xmm9, xmm10, xmm11, xmm12, xmm13, xmm14, xmm15];

    private readonly List<(Label Label, byte[] Bytes)> _constants = [];
    private readonly AssemblerRegister64[] _saved = OperatingSystem.IsWindows() ? Saved : Saved[..6];

    /// <summary>Begins a kernel: its arguments are at rdi, and every register but rsp is its own.</summary>
    public KernelAssembler()
    {
        Code.endbr64();
        foreach (var register in _saved) Code.push(register);
        if (OperatingSystem.IsWindows())
        {
            Code.mov(rdi, rcx);
            Code.sub(rsp, 16 * SavedVectors.Length);
            for (var i = 0; i < SavedVectors.Length; i++) Code.vmovups(__xmmword_ptr[rsp + (16 * i)], SavedVectors[i]);
        }
    }

    /// <summary>
    /// Whether the processor, and the runtime's switches, allow the instructions that kernels are assembled from: AVX-512 with
    /// byte operations, short vectors and VNNI.
    /// </summary>
    public static bool IsSupported { get; } =
        Avx512BW.VL.IsSupported && Avx512DQ.IsSupported && (X86Base.CpuId(7, 0).Ecx & (1 << 11)) != 0;

    /// <summary>Whether the processor also multiplies pairs of bfloat16.</summary>
    public static bool HasBFloat16 { get; } = IsSupported && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0;

    /// <summary>Where instructions are added; the longer encoding, which reaches all registers, goes first.</summary>
    public Assembler Code { get; } = new(64) { PreferVex = false };

    /// <summary>The place of a constant, which lies behind the code.</summary>
    public Label Constant(params ReadOnlySpan<byte> bytes)
    {
        var label = Code.CreateLabel();
        _constants.Add((label, bytes.ToArray()));
        return label;
    }

    /// <summary>Ends the kernel and loads it.</summary>
    /// <returns>The function, or null where the system allows no code to be made.</returns>
    public unsafe delegate* unmanaged[Cdecl]<void*, void> Load() => (delegate* unmanaged[Cdecl]<void*, void>)CodeMemory.Load(Assemble());

    /// <summary>Ends the kernel.</summary>
    /// <returns>Its code, which runs wherever it lies.</returns>
    public byte[] Assemble()
    {
        Code.vzeroupper();
        if (OperatingSystem.IsWindows())
        {
            for (var i = 0; i < SavedVectors.Length; i++) Code.vmovups(SavedVectors[i], __xmmword_ptr[rsp + (16 * i)]);
            Code.add(rsp, 16 * SavedVectors.Length);
        }

        foreach (var register in _saved.Reverse()) Code.pop(register);
        Code.ret();
        foreach (var (label, bytes) in _constants)
        {
            var place = label;
            Code.Label(ref place);
            Code.db(bytes);
        }

        using var stream = new MemoryStream();
        Code.Assemble(new StreamCodeWriter(stream), 0);
        return stream.ToArray();
    }
}
