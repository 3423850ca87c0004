using System.Runtime.InteropServices;
using FalconMamba.Kernels.Lanes;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// What the assembled scans of sixteen channels have in common: constants, the exponential, and what a token needs besides
/// its states. The same operations in the same order as in <see cref="SelectiveScan{T}"/>, hence the same bits.
/// </summary>
/// <remarks>Registers: zmm0 to zmm5 the exponential's constants, zmm18 to zmm27 those of softplus and silu.</remarks>
internal abstract class ScanCode
{
    /// <summary>The states of a channel.</summary>
    public const int States = 16;

    /// <summary>The bytes of sixteen channels.</summary>
    protected const int LineBytes = 64;

    // What vreduceps leaves of a number: the rest beyond the nearest sixteenth, ties to even.
    private const byte BeyondSixteenths = 0x40;

    private static readonly AssemblerRegisterZMM Least = zmm0, Round = zmm1, Table = zmm2, C1 = zmm3, C2 = zmm4, C3 = zmm5;
    private static readonly AssemblerRegisterZMM Magnitude = zmm18, Scale = zmm19, Zero = zmm20, One = zmm21, Two = zmm22, Most = zmm23;
    private static readonly AssemblerRegisterZMM S0 = zmm24, S1 = zmm25, S2 = zmm26, S3 = zmm27;

    private readonly KernelAssembler _kernel = new();

    protected Assembler Code => _kernel.Code;

    /// <summary>Makes the code executable.</summary>
    protected unsafe nint Load() => (nint)_kernel.Load();

    /// <summary>Loads the constants of <see cref="Exp2"/>.</summary>
    protected void LoadPowers()
    {
        Broadcast(Least, LanesMath.LeastPower);
        Broadcast(Round, LanesMath.Rounder);
        Code.vmovdqu32(Table, __zmmword_ptr[_kernel.Constant(MemoryMarshal.AsBytes(SixteenthPowers.Table))]);
        Broadcast(C1, LanesMath.C1);
        Broadcast(C2, LanesMath.C2);
        Broadcast(C3, LanesMath.C3);
    }

    /// <summary>Loads the constants of <see cref="StepAndGate"/>.</summary>
    protected void LoadStepConstants()
    {
        Broadcast(Magnitude, BitConverter.Int32BitsToSingle(int.MaxValue));
        Broadcast(Scale, -LanesMath.Log2E);
        Code.vxorps(Zero, Zero, Zero);
        Broadcast(One, 1);
        Broadcast(Two, 2);
        Broadcast(Most, LanesMath.MostPower);
        Broadcast(S0, LanesMath.S0);
        Broadcast(S1, LanesMath.S1);
        Broadcast(S2, LanesMath.S2);
        Broadcast(S3, LanesMath.S3);
    }

    /// <summary>From zmm9 = dt + bias and zmm10 = z: zmm8 = softplus(dt + bias), zmm10 = silu(z); zmm6 to zmm13 are lost.</summary>
    protected void StepAndGate()
    {
        Code.vandps(zmm6, zmm9, Magnitude);
        Code.vmulps(zmm6, zmm6, Scale);
        Code.vmulps(zmm11, zmm10, Scale);
        Code.vminps(zmm11, Most, zmm11);
        Exp2((zmm6, zmm7, zmm8), (zmm11, zmm12, zmm13));
        Code.vaddps(zmm11, zmm11, One);
        Code.vdivps(zmm10, zmm10, zmm11);
        Code.vaddps(zmm7, Two, zmm6);
        Code.vdivps(zmm6, zmm6, zmm7);
        Code.vmulps(zmm7, zmm6, zmm6);
        Code.vmovaps(zmm8, S3);
        foreach (var term in (AssemblerRegisterZMM[])[S2, S1, S0, Two]) Code.vfmadd213ps(zmm8, zmm7, term);
        Code.vmaxps(zmm9, Zero, zmm9);
        Code.vfmadd213ps(zmm8, zmm6, zmm9);
    }

    /// <summary>
    /// For two neighbouring states, zmm9 and zmm12: exp(dt·A); zmm10 and zmm13: input·B. zmm11 and zmm14 are lost.
    /// </summary>
    /// <param name="dt">dt.</param>
    /// <param name="input">dt·x.</param>
    /// <param name="b">Where B is.</param>
    /// <param name="n">The first of the two, of those that rsi and B begin with.</param>
    protected void DecaysAndInputs(AssemblerRegisterZMM dt, AssemblerRegisterZMM input, AssemblerRegister64 b, int n)
    {
        Code.vmulps(zmm9, dt, __zmmword_ptr[rsi + (n * LineBytes)]);
        Code.vmulps(zmm12, dt, __zmmword_ptr[rsi + ((n + 1) * LineBytes)]);
        Exp2((zmm9, zmm10, zmm11), (zmm12, zmm13, zmm14));
        Code.vmulps(zmm10, input, __dword_bcst[b + (n * sizeof(float))]);
        Code.vmulps(zmm13, input, __dword_bcst[b + ((n + 1) * sizeof(float))]);
    }

    protected void LoadPointer(AssemblerRegister64 register, string field) =>
        Code.mov(register, __qword_ptr[rdi + (int)Marshal.OffsetOf<ScanKernelArguments>(field)]);

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

    private void Broadcast(AssemblerRegisterZMM register, float value) =>
        Code.vbroadcastss(register, __dword_ptr[_kernel.Constant(MemoryMarshal.AsBytes<float>([value]))]);
}
