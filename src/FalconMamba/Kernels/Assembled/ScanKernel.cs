using System.Runtime.InteropServices;
using FalconMamba.Kernels.Lanes;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// <see cref="SelectiveScan{T}"/> of sixteen channels with sixteen states, assembled: the states stay in registers from token
/// to token. The same operations in the same order, hence the same bits.
/// </summary>
/// <remarks>
/// Registers: zmm16 to zmm31 the states. In both loops r8 is at x, r11 at the token's columns, rcx counts tokens down, and
/// r12, r13, r14 are strides.
/// </remarks>
internal sealed class ScanKernel
{
    /// <summary>The states of a channel.</summary>
    public const int States = 16;

    /// <summary>The floats that a token's columns take: dt, dt·x, D·x and silu(z).</summary>
    public const int ColumnFloats = 4 * Lanes;

    private const int Lanes = 16, LineBytes = 64;

    // What vreduceps leaves of a number: the rest beyond the nearest sixteenth, ties to even.
    private const byte BeyondSixteenths = 0x40;

    private static readonly Lazy<nint> Loaded = new(() => new ScanKernel().Assemble());

    private static readonly AssemblerRegisterZMM Least = zmm0, Round = zmm1, Table = zmm2, C1 = zmm3, C2 = zmm4, C3 = zmm5;

    private readonly KernelAssembler _kernel = new();

    private ScanKernel()
    {
    }

    private Assembler Code => _kernel.Code;

    /// <summary>The kernel, assembled when it is first asked for.</summary>
    /// <param name="states">The states of a channel.</param>
    /// <returns>The function, or null if there is none for so many or the system allows no code to be made.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(int states) =>
        KernelAssembler.IsSupported && states == States ? (delegate* unmanaged[Cdecl]<void*, void>)Loaded.Value : null;

    private unsafe nint Assemble()
    {
        Broadcast(Least, LanesMath.LeastPower);
        Broadcast(Round, LanesMath.Rounder);
        Code.vmovdqu32(Table, __zmmword_ptr[_kernel.Constant(MemoryMarshal.AsBytes(SixteenthPowers.Table))]);
        Broadcast(C1, LanesMath.C1);
        Broadcast(C2, LanesMath.C2);
        Broadcast(C3, LanesMath.C3);
        Prepare();
        Advance();
        return (nint)_kernel.Load();
    }

    /// <summary>For each token what needs no state: dt, dt·x, D·x, silu(z).</summary>
    private void Prepare()
    {
        AssemblerRegisterZMM skip = zmm16, bias = zmm17, magnitude = zmm18, scale = zmm19, zero = zmm20, one = zmm21, two = zmm22, most = zmm23;
        AssemblerRegisterZMM s0 = zmm24, s1 = zmm25, s2 = zmm26, s3 = zmm27;
        var token = Code.CreateLabel();
        LoadPointer(rax, nameof(ScanKernelArguments.Skip));
        Code.vmovups(skip, __zmmword_ptr[rax]);
        LoadPointer(rax, nameof(ScanKernelArguments.Bias));
        Code.vmovups(bias, __zmmword_ptr[rax]);
        Broadcast(magnitude, BitConverter.Int32BitsToSingle(int.MaxValue));
        Broadcast(scale, -LanesMath.Log2E);
        Code.vxorps(zero, zero, zero);
        Broadcast(one, 1);
        Broadcast(two, 2);
        Broadcast(most, LanesMath.MostPower);
        Broadcast(s0, LanesMath.S0);
        Broadcast(s1, LanesMath.S1);
        Broadcast(s2, LanesMath.S2);
        Broadcast(s3, LanesMath.S3);
        Begin();
        LoadPointer(r9, nameof(ScanKernelArguments.Dt));
        LoadPointer(r10, nameof(ScanKernelArguments.Z));
        LoadPointer(r13, nameof(ScanKernelArguments.DtStride));
        LoadPointer(r14, nameof(ScanKernelArguments.ZStride));

        Code.Label(ref token);
        // The next channels'.
        foreach (var pointer in (AssemblerRegister64[])[r8, r9, r10]) Code.prefetcht0(__byte_ptr[pointer + LineBytes]);
        Code.vaddps(zmm9, bias, __zmmword_ptr[r9]);
        Code.vandps(zmm6, zmm9, magnitude);
        Code.vmulps(zmm6, zmm6, scale);
        Code.vmovups(zmm10, __zmmword_ptr[r10]);
        Code.vmulps(zmm11, zmm10, scale);
        Code.vminps(zmm11, most, zmm11);
        Exp2((zmm6, zmm7, zmm8), (zmm11, zmm12, zmm13));
        Code.vaddps(zmm11, zmm11, one);
        Code.vdivps(zmm10, zmm10, zmm11);
        Code.vmovaps(__zmmword_ptr[r11 + (3 * LineBytes)], zmm10);

        Code.vaddps(zmm7, two, zmm6);
        Code.vdivps(zmm6, zmm6, zmm7);
        Code.vmulps(zmm7, zmm6, zmm6);
        Code.vmovaps(zmm8, s3);
        foreach (var term in (AssemblerRegisterZMM[])[s2, s1, s0, two]) Code.vfmadd213ps(zmm8, zmm7, term);
        Code.vmaxps(zmm9, zero, zmm9);
        Code.vfmadd213ps(zmm8, zmm6, zmm9);
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
            Code.vmulps(zmm9, dt, __zmmword_ptr[rsi + (n * LineBytes)]);
            Code.vmulps(zmm12, dt, __zmmword_ptr[rsi + ((n + 1) * LineBytes)]);
            Exp2((zmm9, zmm10, zmm11), (zmm12, zmm13, zmm14));
            Code.vmulps(zmm10, input, __dword_bcst[r9 + (n * sizeof(float))]);
            Code.vmulps(zmm13, input, __dword_bcst[r9 + ((n + 1) * sizeof(float))]);
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

    /// <summary><see cref="LanesMath.Exp2"/> of two numbers side by side, in place; the registers beside them are lost.</summary>
    private void Exp2(params ReadOnlySpan<(AssemblerRegisterZMM V, AssemblerRegisterZMM Whole, AssemblerRegisterZMM Other)> numbers)
    {
        foreach (var (v, _, _) in numbers) Code.vmaxps(v, Least, v);
        foreach (var (v, whole, _) in numbers) Code.vaddps(whole, v, Round);
        foreach (var (v, _, _) in numbers) Code.vreduceps(v, v, BeyondSixteenths);
        foreach (var (_, whole, other) in numbers) Code.vpermps(other, whole, Table);
        foreach (var (_, whole, _) in numbers) Code.vpslld(whole, whole, SixteenthPowers.Shift);
        foreach (var (_, whole, other) in numbers) Code.vpaddd(whole, whole, other);
        foreach (var (_, _, other) in numbers) Code.vmovaps(other, C3);
        foreach (var (v, _, other) in numbers) Code.vfmadd213ps(other, v, C2);
        foreach (var (v, _, other) in numbers) Code.vfmadd213ps(other, v, C1);
        foreach (var (v, _, other) in numbers) Code.vmulps(v, v, other);
        foreach (var (v, whole, _) in numbers) Code.vfmadd213ps(v, whole, whole);
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

    private void LoadPointer(AssemblerRegister64 register, string field) =>
        Code.mov(register, __qword_ptr[rdi + (int)Marshal.OffsetOf<ScanKernelArguments>(field)]);

    private void Broadcast(AssemblerRegisterZMM register, float value) =>
        Code.vbroadcastss(register, __dword_ptr[_kernel.Constant(MemoryMarshal.AsBytes<float>([value]))]);
}
