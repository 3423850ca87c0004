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
/// Registers: rsi the weights; r8 the activations of the next eight blocks, rdx after how many batches they begin anew; r11
/// where values go, rcx how often; rbx the groups left, rax the output. For chains: rbp the bytes of a row's values, r12 three
/// times as many; r9 and r10 the values of the rows being multiplied and of those before; r13 the scales, r14 and r15 the
/// values of the next links. For the format: all vectors, of which zmm22 to zmm31 keep constants, and the masks.
/// </remarks>
internal abstract class BlockKernel
{
    /// <summary>The rows whose chains go side by side.</summary>
    public const int Rows = 8;

    /// <summary>The blocks of a row at most: as many as the values of twice eight rows find room for on the stack.</summary>
    public const int MostBlocks = 1024;

    protected const int Batch = ArrangedActivations.Batch;
    private const int NearBytes = 6 * 1024, FarBytes = 16 * 1024, PageAheadBytes = 32 * 1024, LineBytes = 64;

    private static readonly ConcurrentDictionary<(TensorType, bool), nint> Loaded = [];

    // Of the chains.
    private static readonly AssemblerRegisterXMM[] Sums = [xmm4, xmm5, xmm16, xmm17, xmm18, xmm19, xmm20, xmm21];

    private readonly bool _far;

    protected BlockKernel(TensorType type, bool far)
    {
        Info = type.Info();
        _far = far;
    }

    protected TensorTypeInfo Info { get; }

    protected KernelAssembler Kernel { get; } = new();

    protected Assembler Code => Kernel.Code;

    /// <summary>The kernel for weights of a type, assembled when it is first asked for.</summary>
    /// <param name="type">The block format.</param>
    /// <param name="far">How far ahead it asks for weights: see <see cref="PrefetchChoice"/>.</param>
    /// <returns>The function, or null if there is none or the system allows no code to be made.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(TensorType type, bool far = false)
    {
        if (!KernelAssembler.IsSupported || BlockFormats.Find(type) is null) return null;
        return (delegate* unmanaged[Cdecl]<void*, void>)Loaded.GetOrAdd(
            (type, far), static key => (nint)(IsShort(key.Item1) ? (BlockKernel)new ShortBlockKernel(key.Item1, key.Item2) : new LongBlockKernel(key.Item1, key.Item2)).Assemble());
    }

    /// <summary>Loads the constants.</summary>
    protected abstract void Prepare();

    /// <summary>Computes the integers of eight blocks.</summary>
    protected abstract void Multiply();

    /// <summary>Leaves the eight values, totals times scales, in ymm0.</summary>
    protected abstract void Scale();

    /// <summary>Asks for weights that a later step reads.</summary>
    protected void Prefetch(int place, int bytes)
    {
        for (var line = 0; line < bytes; line += LineBytes)
        {
            if (_far) Code.prefetcht1(__byte_ptr[rsi + (FarBytes + place + line)]);
            else Code.prefetcht0(__byte_ptr[rsi + (NearBytes + place + line)]);
        }
    }

    /// <summary>Leaves in zmm0, for each quarter of the registers, its total in each of four; zmm1 to zmm3 are lost.</summary>
    protected void TotalsOfLanes(ReadOnlySpan<AssemblerRegisterZMM> four)
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

    /// <summary>Whether a row has so many blocks that its chain would hold up the stream: it then goes along with the next rows' batches.</summary>
    protected virtual bool ChainsAlong => false;

    private unsafe delegate* unmanaged[Cdecl]<void*, void> Assemble()
    {
        var group = Code.CreateLabel();
        var batch = Code.CreateLabel();
        var stay = Code.CreateLabel();
        Prepare();
        Code.mov(rsi, __qword_ptr[rdi]);
        Code.mov(rax, __qword_ptr[rdi + 24]);
        Code.mov(rbx, __qword_ptr[rdi + 40]);
        Code.mov(rbp, __qword_ptr[rdi + 48]);
        Code.shl(rbp, 2);
        Code.lea(r12, __[rbp + (rbp * 2)]);
        Code.mov(r9, __qword_ptr[rdi + 32]);
        Code.lea(r10, __[r9 + (rbp * Rows)]);
        // The sums of the rows before the first ones go where nobody looks.
        if (ChainsAlong) Code.sub(rax, Rows * sizeof(float));

        Code.Label(ref group);
        Code.mov(r8, __qword_ptr[rdi + 8]);
        Code.mov(rdx, __qword_ptr[rdi + 56]);
        Code.mov(r11, r9);
        if (ChainsAlong)
        {
            Code.xchg(r9, r10);
            BeginChain();
        }

        // Eight rows have as many batches of eight as a row has blocks.
        Code.mov(rcx, __qword_ptr[rdi + 48]);
        Code.Label(ref batch);
        AskForPageAhead();
        Multiply();
        Scale();
        Code.vmovups(__ymmword_ptr[r11], ymm0);
        if (ChainsAlong) Link();
        Code.add(r11, Batch * sizeof(float));
        Code.add(rsi, Batch * Info.BlockBytes);
        Code.add(r8, ArrangedActivations.BatchBytes(Info.BlockLength));
        Code.dec(rdx);
        Code.jnz(stay);
        Code.mov(r8, __qword_ptr[rdi + 8]);
        Code.mov(rdx, __qword_ptr[rdi + 56]);
        Code.Label(ref stay);
        Code.dec(rcx);
        Code.jnz(batch);
        if (ChainsAlong) EndChain();
        else Chain();
        Code.dec(rbx);
        Code.jnz(group);
        if (ChainsAlong)
        {
            Code.mov(r9, r10);
            Chain();
        }

        return Kernel.Load();
    }

    // So early that the page is found in time, once every one or two kilobytes: measured, more often takes away a third of
    // the memory's speed.
    private void AskForPageAhead()
    {
        var none = Code.CreateLabel();
        var batches = IsShort(Info.Type) ? 8 : 1;
        if (batches > 1)
        {
            Code.test(ecx, batches - 1);
            Code.jnz(none);
        }

        Code.prefetcht1(__byte_ptr[rsi + PageAheadBytes]);
        Code.Label(ref none);
    }

    /// <summary>One chain of each of eight rows, whose values are at r9. Meanwhile the stream of weights goes on.</summary>
    private void Chain()
    {
        var link = Code.CreateLabel();
        BeginChain();
        Code.mov(rcx, __qword_ptr[rdi + 48]);
        Code.lea(rdx, __[rsi + (_far ? FarBytes : NearBytes)]);
        Code.Label(ref link);
        if (_far) Code.prefetcht1(__byte_ptr[rdx]);
        else Code.prefetcht0(__byte_ptr[rdx]);
        Code.add(rdx, LineBytes);
        Link();
        Code.dec(rcx);
        Code.jnz(link);
        EndChain();
    }

    private void BeginChain()
    {
        Code.mov(r13, __qword_ptr[rdi + 16]);
        Code.mov(r14, r9);
        Code.lea(r15, __[r14 + (rbp * 4)]);
        foreach (var sum in Sums) Code.vxorps(sum, sum, sum);
    }

    // Eight links side by side hide the time that one takes.
    private void Link()
    {
        Code.vmovss(xmm0, __dword_ptr[r13]);
        for (var i = 0; i < Rows; i++)
        {
            var first = i < 4 ? r14 : r15;
            Code.vfmadd231ss(Sums[i], xmm0, (i % 4) switch
            {
                0 => __dword_ptr[first],
                1 => __dword_ptr[first + rbp],
                2 => __dword_ptr[first + (rbp * 2)],
                _ => __dword_ptr[first + r12],
            });
        }

        foreach (var pointer in (AssemblerRegister64[])[r13, r14, r15]) Code.add(pointer, sizeof(float));
    }

    private void EndChain()
    {
        for (var i = 0; i < Rows; i++) Code.vmovss(__dword_ptr[rax + (i * sizeof(float))], Sums[i]);
        Code.add(rax, Rows * sizeof(float));
    }
}
