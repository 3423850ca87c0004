using System.Collections.Concurrent;
using FalconMamba.Formats;
using FalconMamba.Quantization;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// The product of 32 rows, 256 columns and a few tokens at a time, assembled: the same integers as those of
/// <see cref="BlockProduct{TBytes, TPair, TFormat}"/> and the same operations on floats, hence the same bits.
/// </summary>
/// <remarks>
/// Two registers of sixteen rows are multiplied with four columns of each token, which all lanes share. Registers: rsi the panel,
/// r8 the first token's record, r9 its scale, r10 its sums, r11 the scratch, rcx the tiles left; rbp counts groups, for which
/// rdx walks the codes, rbx the group scales, r12 and r13 the records' codes and numbers, and r14 the weights to come. Of the vectors zmm0 to zmm11 are the
/// sums of a group, zmm12 to zmm23 those of a block or of all blocks, zmm24 to zmm31 come and go.
/// </remarks>
internal abstract class TileKernel
{
    /// <summary>The tokens of a tile at least and at most: fewer leave the processor waiting for sums, more find no registers.</summary>
    public const int LeastTokens = 3, MostTokens = 6;

    protected const int RowBytes = WeightPanel.RowBytes, VectorBytes = 64;

    // The columns that a step multiplies, and the steps of 32 columns.
    private const int Step = 4;

    private static readonly AssemblerRegisterZMM[] Products = [zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7, zmm8, zmm9, zmm10, zmm11];

    private static readonly AssemblerRegisterZMM[] Totals = [zmm12, zmm13, zmm14, zmm15, zmm16, zmm17, zmm18, zmm19, zmm20, zmm21, zmm22, zmm23];

    private static readonly ConcurrentDictionary<(TensorType, int, bool), nint> Loaded = [];

    private readonly bool _asks;

    protected TileKernel(TensorType type, int tokens, bool asks)
    {
        Info = type.Info();
        Tokens = tokens;
        _asks = asks;
    }

    protected TensorTypeInfo Info { get; }

    protected int Tokens { get; }

    protected KernelAssembler Kernel { get; } = new();

    protected Assembler Code => Kernel.Code;

    /// <summary>The kernel for weights of a type and tiles of so many tokens, assembled when it is first asked for.</summary>
    /// <param name="type">The block format.</param>
    /// <param name="tokens">The tokens of a tile.</param>
    /// <param name="asks">Whether it asks for later weights meanwhile, as many as a panel takes.</param>
    /// <returns>The function, or null if there is none or the system allows no code to be made.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(TensorType type, int tokens, bool asks = false)
    {
        if (!KernelAssembler.IsSupported || BlockFormats.Find(type) is null) return null;
        return (delegate* unmanaged[Cdecl]<void*, void>)Loaded.GetOrAdd((type, tokens, asks), static key => (nint)Create(key.Item1, key.Item2, key.Item3).Assemble());
    }

    /// <summary>Computes a tile.</summary>
    protected abstract void Multiply();

    protected static AssemblerRegisterZMM Product(int half, int token) => Products[(half * MostTokens) + token];

    protected static AssemblerRegisterZMM Total(int half, int token) => Totals[(half * MostTokens) + token];

    /// <summary>A number of a token's record, next to r13 or another pointer that has walked as far.</summary>
    protected static int At(int token, int place = 0) => (token * TileActivations.RecordBytes) + place;

    /// <summary>Adds codes times activations to the products, from rdx and r12 on.</summary>
    protected void MultiplyAdd(int columns)
    {
        for (var step = 0; step < columns / Step; step++)
        {
            Code.vmovdqu64(zmm24, __zmmword_ptr[rdx + (step * RowBytes)]);
            Code.vmovdqu64(zmm25, __zmmword_ptr[rdx + ((step * RowBytes) + VectorBytes)]);
            for (var token = 0; token < Tokens; token++)
            {
                var activations = token % 2 == 0 ? zmm26 : zmm27;
                Code.vpbroadcastd(activations, __dword_ptr[r12 + At(token, step * Step)]);
                Code.vpdpbusd(Product(0, token), zmm24, activations);
                Code.vpdpbusd(Product(1, token), zmm25, activations);
            }
        }

        Code.add(rdx, columns / Step * RowBytes);
        Code.add(r12, columns);
    }

    /// <summary>Sends the groups through, as many as the caller says.</summary>
    protected void ForEachGroup(Action group)
    {
        var next = Code.CreateLabel();
        Code.mov(rbp, __qword_ptr[rdi + 48]);
        Code.mov(rdx, rsi);
        Code.lea(rbx, __[rsi + WeightPanel.Scales]);
        Code.mov(r12, r8);
        Code.lea(r13, __[r8 + TileActivations.A]);
        Code.Label(ref next);
        for (var token = 0; token < Tokens; token++) Code.prefetcht0(__byte_ptr[r12 + At(Tokens + token)]);
        AskForWeights();
        group();
        Code.add(r13, sizeof(int));
        Code.dec(rbp);
        Code.jnz(next);
    }

    // A group's share of a panel.
    private void AskForWeights()
    {
        if (!_asks) return;
        var bytes = WeightPanel.Rows * ActivationQuantizer.Group * Info.BlockBytes / Info.BlockLength;
        var lines = (bytes + VectorBytes - 1) / VectorBytes;
        for (var line = 0; line < lines; line++) Code.prefetcht1(__byte_ptr[r14 + (line * VectorBytes)]);
        Code.add(r14, bytes);
    }

    /// <summary>Does something for each register of rows and each token.</summary>
    protected void ForEach(Action<int, int> action)
    {
        for (var token = 0; token < Tokens; token++)
            for (var half = 0; half < 2; half++) action(half, token);
    }

    private static TileKernel Create(TensorType type, int tokens, bool asks) =>
        type.Info().BlockLength == ActivationQuantizer.Group ? new ShortTileKernel(type, tokens, asks) : new LongTileKernel(type, tokens, asks);

    private unsafe delegate* unmanaged[Cdecl]<void*, void> Assemble()
    {
        var tile = Code.CreateLabel();
        Code.mov(rsi, __qword_ptr[rdi]);
        Code.mov(r8, __qword_ptr[rdi + 8]);
        Code.mov(r9, __qword_ptr[rdi + 16]);
        Code.mov(r10, __qword_ptr[rdi + 24]);
        Code.mov(r11, __qword_ptr[rdi + 32]);
        Code.mov(rcx, __qword_ptr[rdi + 40]);
        Code.mov(r14, __qword_ptr[rdi + 56]);
        Code.Label(ref tile);
        // The next tile's numbers and sums; its codes follow group by group.
        for (var token = 0; token < Tokens; token++)
        {
            Code.prefetcht0(__byte_ptr[r8 + At(Tokens + token, TileActivations.A)]);
            Code.prefetcht0(__byte_ptr[r10 + ((Tokens + token) * RowBytes)]);
            Code.prefetcht0(__byte_ptr[r10 + (((Tokens + token) * RowBytes) + VectorBytes)]);
        }

        Multiply();
        Code.add(r8, Tokens * TileActivations.RecordBytes);
        Code.add(r9, Tokens * sizeof(float));
        Code.add(r10, Tokens * RowBytes);
        Code.dec(rcx);
        Code.jnz(tile);
        return Kernel.Load();
    }
}
