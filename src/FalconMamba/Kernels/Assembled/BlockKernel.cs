using System.Collections.Concurrent;
using FalconMamba.Formats;
using FalconMamba.Quantization;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// The product of <see cref="BlockProduct{TBytes, TPair, TFormat}"/> for one token, assembled: the same integers, the same
/// operations on floats, hence the same bits.
/// </summary>
/// <remarks>
/// Weights are one stream, whose pace the processor's own prefetch finds: the blocks of eight rows are multiplied one behind
/// the other, eight at a time, and then the eight rows' chains go side by side.
/// Registers: rsi the weights; r8, r9, r10 the codes, factors and sums of the next block, rdx the blocks left of its row; r14
/// where values go, rcx how often; rbx the groups left, rax the output. For the format: rbp, r12, r13, r15 and all vectors, of
/// which zmm22 to zmm31 keep constants.
/// </remarks>
internal abstract class BlockKernel
{
    protected const int Batch = 8;
    private const int PrefetchBytes = 6144, PageAheadBytes = 32 * 1024, LineBytes = 64;

    private static readonly ConcurrentDictionary<TensorType, nint> Loaded = [];

    protected BlockKernel(TensorType type) => Info = type.Info();

    protected TensorTypeInfo Info { get; }

    protected KernelAssembler Kernel { get; } = new();

    protected Assembler Code => Kernel.Code;

    /// <summary>The kernel for weights of a type, assembled when it is first asked for.</summary>
    /// <param name="type">The block format.</param>
    /// <returns>The function, or null if there is none or the system allows no code to be made.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(TensorType type)
    {
        if (!KernelAssembler.IsSupported || BlockFormats.Find(type) is null) return null;
        return (delegate* unmanaged[Cdecl]<void*, void>)Loaded.GetOrAdd(
            type, static type => (nint)(IsShort(type) ? (BlockKernel)new ShortBlockKernel(type) : new LongBlockKernel(type)).Assemble());
    }

    /// <summary>How many times the activations of a row must follow one another for a kernel: batches of short blocks do not look where a row ends.</summary>
    public static int Repetitions(TensorType type, int blocks) =>
        IsShort(type) ? Batch / Math.Clamp(blocks & -blocks, 1, Batch) : 1;

    /// <summary>Loads the constants.</summary>
    protected abstract void Prepare();

    /// <summary>Computes the integers of eight blocks and moves r8, r9, r10 and rdx behind them.</summary>
    protected abstract void Multiply();

    /// <summary>Leaves the eight values, totals times scales, in ymm0.</summary>
    protected abstract void Scale();

    /// <summary>Goes to the activations of a row's first block.</summary>
    protected void LoadActivations()
    {
        Code.mov(r8, __qword_ptr[rdi + 8]);
        Code.mov(r9, __qword_ptr[rdi + 16]);
        Code.mov(r10, __qword_ptr[rdi + 24]);
        Code.mov(rdx, __qword_ptr[rdi + 72]);
    }

    /// <summary>Asks for weights that a later step reads.</summary>
    protected void Prefetch(int place, int bytes)
    {
        for (var line = 0; line < bytes; line += LineBytes) Code.prefetcht0(__byte_ptr[rsi + (PrefetchBytes + place + line)]);
    }

    /// <summary>The totals of four pairs of eight integers each: those of the first halves, then those of the last ones.</summary>
    protected void TotalsOfPairs(AssemblerRegisterYMM destination, ReadOnlySpan<AssemblerRegisterZMM> pairs)
    {
        TotalsOfLanes(pairs);
        Code.vshufi64x2(zmm1, zmm0, zmm0, 0b10_00);
        Code.vshufi64x2(zmm0, zmm0, zmm0, 0b11_01);
        Code.vpaddd(destination, ymm0, ymm1);
    }

    /// <summary>The totals of eight times sixteen integers.</summary>
    protected void TotalsOfEight(AssemblerRegisterYMM destination, ReadOnlySpan<AssemblerRegisterZMM> integers)
    {
        TotalsOfLanes(integers[..4]);
        Code.vmovdqa64(zmm4, zmm0);
        TotalsOfLanes(integers[4..]);
        Code.vshufi64x2(zmm1, zmm4, zmm0, 0b10_00_10_00);
        Code.vshufi64x2(zmm0, zmm4, zmm0, 0b11_01_11_01);
        Code.vpaddd(zmm0, zmm0, zmm1);
        Code.vshufi64x2(zmm1, zmm0, zmm0, 0b10_00);
        Code.vshufi64x2(zmm0, zmm0, zmm0, 0b11_01);
        Code.vpaddd(destination, ymm0, ymm1);
    }

    /// <summary>The scales of eight blocks as floats; xmm1 is lost.</summary>
    protected void LoadScales(AssemblerRegisterYMM destination, int place)
    {
        Code.vpxor(xmm1, xmm1, xmm1);
        for (var i = 0; i < Batch; i++) Code.vpinsrw(xmm1, xmm1, __word_ptr[rsi + ((i * Info.BlockBytes) + place)], (byte)i);
        Code.vcvtph2ps(destination, xmm1);
    }

    /// <summary>The scales of eight blocks, which begin with them, and those of their minimums behind them; ymm0 and xmm1 are lost.</summary>
    protected void LoadScales(AssemblerRegisterYMM scales, AssemblerRegisterYMM minimumScales)
    {
        Load(xmm0, 0);
        Load(xmm1, Batch / 2);
        Code.vinserti128(ymm0, ymm0, xmm1, 1);
        Code.vpmovdw(xmm1, ymm0);
        Code.vcvtph2ps(scales, xmm1);
        Code.vpsrld(ymm0, ymm0, 16);
        Code.vpmovdw(xmm1, ymm0);
        Code.vcvtph2ps(minimumScales, xmm1);

        void Load(AssemblerRegisterXMM register, int first)
        {
            Code.vmovd(register, __dword_ptr[rsi + (first * Info.BlockBytes)]);
            for (var i = 1; i < Batch / 2; i++) Code.vpinsrd(register, register, __dword_ptr[rsi + ((first + i) * Info.BlockBytes)], (byte)i);
        }
    }

    // Leaves in zmm0, for each quarter of the registers, its total in each of four; zmm1 to zmm3 are lost.
    private void TotalsOfLanes(ReadOnlySpan<AssemblerRegisterZMM> four)
    {
        Code.vpunpckldq(zmm0, four[0], four[1]);
        Code.vpunpckhdq(zmm1, four[0], four[1]);
        Code.vpaddd(zmm0, zmm0, zmm1);
        Code.vpunpckldq(zmm2, four[2], four[3]);
        Code.vpunpckhdq(zmm3, four[2], four[3]);
        Code.vpaddd(zmm2, zmm2, zmm3);
        Code.vpunpcklqdq(zmm1, zmm0, zmm2);
        Code.vpunpckhqdq(zmm0, zmm0, zmm2);
        Code.vpaddd(zmm0, zmm0, zmm1);
    }

    private static bool IsShort(TensorType type) => type.Info().BlockLength == ActivationQuantizer.Group;

    private unsafe delegate* unmanaged[Cdecl]<void*, void> Assemble()
    {
        var group = Code.CreateLabel();
        var batch = Code.CreateLabel();
        Code.mov(rsi, __qword_ptr[rdi]);
        Code.mov(rax, __qword_ptr[rdi + 40]);
        Code.mov(rbx, __qword_ptr[rdi + 56]);
        Prepare();

        Code.Label(ref group);
        LoadActivations();
        Code.mov(r14, __qword_ptr[rdi + 48]);
        // Eight rows have as many batches of eight as a row has blocks.
        Code.mov(rcx, __qword_ptr[rdi + 64]);
        Code.Label(ref batch);
        // So early that the page is found in time.
        Code.prefetcht1(__byte_ptr[rsi + PageAheadBytes]);
        Multiply();
        Scale();
        Code.vmovups(__ymmword_ptr[r14], ymm0);
        Code.add(r14, Batch * sizeof(float));
        Code.add(rsi, Batch * Info.BlockBytes);
        Code.dec(rcx);
        Code.jnz(batch);
        Chain();
        Code.dec(rbx);
        Code.jnz(group);
        return Kernel.Load();
    }

    // One link of each row's chain a step: eight hide the time that one takes. Meanwhile the stream of weights goes on.
    private void Chain()
    {
        AssemblerRegisterXMM[] sums = [xmm4, xmm5, xmm16, xmm17, xmm18, xmm19, xmm20, xmm21];
        var link = Code.CreateLabel();
        Code.mov(r13, __qword_ptr[rdi + 32]);
        Code.mov(r14, __qword_ptr[rdi + 48]);
        Code.mov(rcx, __qword_ptr[rdi + 64]);
        Code.lea(rbp, __[rcx * 4]);
        Code.lea(r12, __[rbp + (rbp * 2)]);
        Code.lea(r15, __[r14 + (rbp * 4)]);
        Code.lea(rdx, __[rsi + PrefetchBytes]);
        foreach (var sum in sums) Code.vxorps(sum, sum, sum);

        Code.Label(ref link);
        Code.prefetcht0(__byte_ptr[rdx]);
        Code.add(rdx, LineBytes);
        Code.vmovss(xmm0, __dword_ptr[r13]);
        for (var i = 0; i < sums.Length; i++)
        {
            var first = i < 4 ? r14 : r15;
            Code.vfmadd231ss(sums[i], xmm0, (i % 4) switch
            {
                0 => __dword_ptr[first],
                1 => __dword_ptr[first + rbp],
                2 => __dword_ptr[first + (rbp * 2)],
                _ => __dword_ptr[first + r12],
            });
        }

        Code.add(r13, sizeof(float));
        Code.add(r14, sizeof(float));
        Code.add(r15, sizeof(float));
        Code.dec(rcx);
        Code.jnz(link);
        for (var i = 0; i < sums.Length; i++) Code.vmovss(__dword_ptr[rax + (i * sizeof(float))], sums[i]);
        Code.add(rax, sums.Length * sizeof(float));
    }
}
