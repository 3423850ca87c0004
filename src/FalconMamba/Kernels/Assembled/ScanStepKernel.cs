using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// <see cref="SelectiveScan{T}"/> of one token, assembled, over a range of channels with sixteen states: a stream of states
/// and A, so that what sixteen channels wait for is hidden behind the next sixteen.
/// </summary>
/// <remarks>
/// Registers: r8, r9, r10 at x, dt and z, r11 and r12 at D and the bias, rsi and rbx at A and the states, rdx and r13 at B
/// and C; rcx counts groups of sixteen channels down.
/// </remarks>
internal sealed class ScanStepKernel : ScanCode
{
    // Measured: how many groups of sixteen channels ahead their states are asked for.
    private const int GroupsAhead = 4, GroupBytes = States * LineBytes;

    private static readonly Lazy<nint> Loaded = new(() => new ScanStepKernel().Assemble());

    private ScanStepKernel()
    {
    }

    /// <summary>The kernel, assembled when it is first asked for.</summary>
    /// <param name="states">The states of a channel.</param>
    /// <returns>The function, or null if there is none for so many or the system allows no code to be made.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(int states) =>
        KernelAssembler.IsSupported && states == States ? (delegate* unmanaged[Cdecl]<void*, void>)Loaded.Value : null;

    private nint Assemble()
    {
        AssemblerRegisterZMM dt = zmm6, input = zmm7, y = zmm8, gate = zmm15;
        var group = Code.CreateLabel();
        LoadPowers();
        LoadStepConstants();
        LoadPointer(r8, nameof(ScanKernelArguments.X));
        LoadPointer(r9, nameof(ScanKernelArguments.Dt));
        LoadPointer(r10, nameof(ScanKernelArguments.Z));
        LoadPointer(r11, nameof(ScanKernelArguments.Skip));
        LoadPointer(r12, nameof(ScanKernelArguments.Bias));
        LoadPointer(rsi, nameof(ScanKernelArguments.A));
        LoadPointer(rbx, nameof(ScanKernelArguments.State));
        LoadPointer(rdx, nameof(ScanKernelArguments.B));
        LoadPointer(r13, nameof(ScanKernelArguments.C));
        LoadPointer(rcx, nameof(ScanKernelArguments.Count));

        Code.Label(ref group);
        Code.vmovups(zmm9, __zmmword_ptr[r12]);
        Code.vaddps(zmm9, zmm9, __zmmword_ptr[r9]);
        Code.vmovups(zmm10, __zmmword_ptr[r10]);
        StepAndGate();
        Code.vmovaps(gate, zmm10);
        Code.vmovaps(dt, zmm8);
        Code.vmovups(y, __zmmword_ptr[r8]);
        Code.vmulps(input, dt, y);
        Code.vmulps(y, y, __zmmword_ptr[r11]);
        for (var n = 0; n < States; n += 2)
        {
            Prefetch(n);
            Prefetch(n + 1);
            DecaysAndInputs(dt, input, rdx, n);
            Advance(zmm9, zmm10, y, n);
            Advance(zmm12, zmm13, y, n + 1);
        }

        Code.vmulps(y, y, gate);
        Code.vmovups(__zmmword_ptr[r8], y);
        foreach (var pointer in (AssemblerRegister64[])[r8, r9, r10, r11, r12]) Code.add(pointer, LineBytes);
        Code.add(rsi, GroupBytes);
        Code.add(rbx, GroupBytes);
        Code.dec(rcx);
        Code.jnz(group);
        return Load();
    }

    // s = decay·s + input·B; y += s·C.
    private void Advance(AssemblerRegisterZMM decay, AssemblerRegisterZMM input, AssemblerRegisterZMM y, int n)
    {
        var state = __zmmword_ptr[rbx + (n * LineBytes)];
        Code.vfmadd132ps(decay, input, state);
        Code.vmovups(state, decay);
        Code.vfmadd231ps(y, decay, __dword_bcst[r13 + (n * sizeof(float))]);
    }

    private void Prefetch(int n)
    {
        Code.prefetcht0(__byte_ptr[rsi + ((GroupsAhead * GroupBytes) + (n * LineBytes))]);
        Code.prefetchw(__byte_ptr[rbx + ((GroupsAhead * GroupBytes) + (n * LineBytes))]);
    }
}
