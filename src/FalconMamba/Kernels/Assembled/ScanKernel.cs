using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// <see cref="SelectiveScan{T}"/> of sixteen channels with sixteen states over some tokens, assembled: the states stay in
/// registers from token to token.
/// </summary>
/// <remarks>
/// Registers: zmm16 to zmm31 the states. In both loops r8 is at x, r11 at the token's columns, rcx counts tokens down, and
/// r12, r13, r14 are strides.
/// </remarks>
internal sealed class ScanKernel : ScanCode
{
    /// <summary>The floats that a token's columns take: dt, dt·x, D·x and silu(z).</summary>
    public const int ColumnFloats = 4 * Lanes;

    private const int Lanes = 16;

    private static readonly Lazy<nint> Loaded = new(() => new ScanKernel().Assemble());

    private ScanKernel()
    {
    }

    /// <summary>The kernel, assembled when it is first asked for.</summary>
    /// <param name="states">The states of a channel.</param>
    /// <returns>The function, or null if there is none for so many or the system allows no code to be made.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(int states) =>
        KernelAssembler.IsSupported && states == States ? (delegate* unmanaged[Cdecl]<void*, void>)Loaded.Value : null;

    private nint Assemble()
    {
        LoadPowers();
        Prepare();
        Advance();
        return Load();
    }

    /// <summary>For each token what needs no state: dt, dt·x, D·x, silu(z).</summary>
    private void Prepare()
    {
        AssemblerRegisterZMM skip = zmm16, bias = zmm17;
        var token = Code.CreateLabel();
        LoadPointer(rax, nameof(ScanKernelArguments.Skip));
        Code.vmovups(skip, __zmmword_ptr[rax]);
        LoadPointer(rax, nameof(ScanKernelArguments.Bias));
        Code.vmovups(bias, __zmmword_ptr[rax]);
        LoadStepConstants();
        Begin();
        LoadPointer(r9, nameof(ScanKernelArguments.Dt));
        LoadPointer(r10, nameof(ScanKernelArguments.Z));
        LoadPointer(r13, nameof(ScanKernelArguments.DtStride));
        LoadPointer(r14, nameof(ScanKernelArguments.ZStride));

        Code.Label(ref token);
        // The next channels'.
        foreach (var pointer in (AssemblerRegister64[])[r8, r9, r10]) Code.prefetcht0(__byte_ptr[pointer + LineBytes]);
        Code.vaddps(zmm9, bias, __zmmword_ptr[r9]);
        Code.vmovups(zmm10, __zmmword_ptr[r10]);
        StepAndGate();
        Code.vmovaps(__zmmword_ptr[r11 + (3 * LineBytes)], zmm10);
        Code.vmovaps(__zmmword_ptr[r11], zmm8);
        Code.vmovups(zmm9, __zmmword_ptr[r8]);
        Code.vmulps(zmm8, zmm8, zmm9);
        Code.vmovaps(__zmmword_ptr[r11 + LineBytes], zmm8);
        Code.vmulps(zmm9, zmm9, skip);
        Code.vmovaps(__zmmword_ptr[r11 + (2 * LineBytes)], zmm9);
        Code.add(r9, r13);
        Code.add(r10, r14);
        Next(token);
    }

    /// <summary>Moves the states from token to token and writes the gated outputs.</summary>
    private void Advance()
    {
        AssemblerRegisterZMM dt = zmm6, input = zmm7, y = zmm8;
        var token = Code.CreateLabel();
        Begin();
        LoadPointer(r9, nameof(ScanKernelArguments.B));
        LoadPointer(r10, nameof(ScanKernelArguments.C));
        LoadPointer(r13, nameof(ScanKernelArguments.BStride));
        LoadPointer(r14, nameof(ScanKernelArguments.CStride));
        LoadPointer(rsi, nameof(ScanKernelArguments.A));
        LoadPointer(rbx, nameof(ScanKernelArguments.State));
        for (var n = 0; n < States; n++) Code.vmovups(State(n), __zmmword_ptr[rbx + (n * LineBytes)]);

        Code.Label(ref token);
        Code.vmovaps(dt, __zmmword_ptr[r11]);
        Code.vmovaps(input, __zmmword_ptr[r11 + LineBytes]);
        Code.vmovaps(y, __zmmword_ptr[r11 + (2 * LineBytes)]);
        for (var n = 0; n < States; n += 2)
        {
            DecaysAndInputs(dt, input, r9, n);
            Code.vfmadd213ps(State(n), zmm9, zmm10);
            Code.vfmadd213ps(State(n + 1), zmm12, zmm13);
            Code.vfmadd231ps(y, State(n), __dword_bcst[r10 + (n * sizeof(float))]);
            Code.vfmadd231ps(y, State(n + 1), __dword_bcst[r10 + ((n + 1) * sizeof(float))]);
        }

        Code.vmulps(y, y, __zmmword_ptr[r11 + (3 * LineBytes)]);
        Code.vmovups(__zmmword_ptr[r8], y);
        Code.add(r9, r13);
        Code.add(r10, r14);
        Next(token);
        for (var n = 0; n < States; n++) Code.vmovups(__zmmword_ptr[rbx + (n * LineBytes)], State(n));
    }

    private void Begin()
    {
        LoadPointer(r8, nameof(ScanKernelArguments.X));
        LoadPointer(r11, nameof(ScanKernelArguments.Columns));
        LoadPointer(r12, nameof(ScanKernelArguments.XStride));
        LoadPointer(rcx, nameof(ScanKernelArguments.Count));
    }

    private void Next(Label token)
    {
        Code.add(r8, r12);
        Code.add(r11, ColumnFloats * sizeof(float));
        Code.dec(rcx);
        Code.jnz(token);
    }

    private static AssemblerRegisterZMM State(int n) => new((Register)((int)Register.ZMM16 + n));
}
