using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// The product of thirty-two rows with blocks of tokens, bfloat16 by bfloat16, on the tiles of AMX: two tiles of weights by one
/// or two of tokens, each loaded once a step, and a tile of sums for every two.
/// </summary>
/// <remarks>
/// Registers: rsi the weights, r8 the inputs, rax the sums, r9 what is asked for ahead; rcx the bytes of a line, rdx the steps
/// left, rbx the blocks left; tmm0 to tmm3 the sums, tmm4 and tmm5 weights, tmm6 and tmm7 inputs. A thread may only come here
/// after <see cref="SignalStack.Enlarge"/>.
/// </remarks>
internal static class AmxTileKernel
{
    /// <summary>Lines of a tile, and so its rows or tokens.</summary>
    public const int Side = 16;

    /// <summary>Columns of a step: a line of bfloat16.</summary>
    public const int Columns = 32;

    /// <summary>Rows of a product.</summary>
    public const int Rows = 2 * Side;

    /// <summary>Bytes of a tile.</summary>
    public const int TileBytes = Side * LineBytes;

    /// <summary>Lines that a step asks for.</summary>
    public const int LinesAhead = 2;

    private const int LineBytes = 64;

    // Places in the arguments.
    private const int Weights = 0, Input = 8, Sums = 16, Steps = 24, Blocks = 32, Continue = 40, Ahead = 48;

    private static readonly AssemblerRegisterTMM[] SumTiles = [tmm0, tmm1, tmm2, tmm3], WeightTiles = [tmm4, tmm5], InputTiles = [tmm6, tmm7];

    private static readonly ConcurrentDictionary<int, nint> Loaded = [];

    /// <summary>The kernel, assembled when it is first asked for.</summary>
    /// <param name="tokenTiles">Tiles of tokens in a block: one or two.</param>
    /// <returns>The function, or null if AMX is not usable or the system allows no code to be made.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find(int tokenTiles) => AmxSupport.IsUsable
        ? (delegate* unmanaged[Cdecl]<void*, void>)Loaded.GetOrAdd(tokenTiles, static tiles => (nint)CodeMemory.Load(Assemble(tiles)))
        : null;

    /// <summary>The kernel's code, which any processor can assemble.</summary>
    /// <param name="tokenTiles">Tiles of tokens in a block: one or two.</param>
    public static byte[] Assemble(int tokenTiles)
    {
        var kernel = new KernelAssembler();
        var code = kernel.Code;
        var block = code.CreateLabel();
        var step = code.CreateLabel();
        var load = code.CreateLabel();
        var sums = SumTiles[..(WeightTiles.Length * tokenTiles)];
        code.ldtilecfg(__[kernel.Constant(Configuration())]);
        code.mov(ecx, LineBytes);
        code.mov(r8, __qword_ptr[rdi + Input]);
        code.mov(rax, __qword_ptr[rdi + Sums]);
        code.mov(r9, __qword_ptr[rdi + Ahead]);
        code.mov(rbx, __qword_ptr[rdi + Blocks]);

        code.Label(ref block);
        code.mov(rsi, __qword_ptr[rdi + Weights]);
        code.mov(rdx, __qword_ptr[rdi + Steps]);
        code.cmp(__qword_ptr[rdi + Continue], 0);
        code.jne(load);
        foreach (var sum in sums) code.tilezero(sum);
        code.jmp(step);
        code.Label(ref load);
        for (var i = 0; i < sums.Length; i++) code.tileloadd(sums[i], __[rax + rcx + (i * TileBytes)]);

        code.Label(ref step);
        for (var token = 0; token < tokenTiles; token++) code.tileloadd(InputTiles[token], __[r8 + rcx + (token * TileBytes)]);
        for (var row = 0; row < WeightTiles.Length; row++)
        {
            code.tileloadd(WeightTiles[row], __[rsi + rcx + (row * TileBytes)]);
            for (var token = 0; token < tokenTiles; token++) code.tdpbf16ps(sums[(row * tokenTiles) + token], WeightTiles[row], InputTiles[token]);
        }

        for (var line = 0; line < LinesAhead; line++) code.prefetcht1(__byte_ptr[r9 + (line * LineBytes)]);
        code.add(r9, LinesAhead * LineBytes);
        code.add(rsi, WeightTiles.Length * TileBytes);
        code.add(r8, tokenTiles * TileBytes);
        code.dec(rdx);
        code.jne(step);

        for (var i = 0; i < sums.Length; i++) code.tilestored(__[rax + rcx + (i * TileBytes)], sums[i]);
        code.add(rax, sums.Length * TileBytes);
        code.dec(rbx);
        code.jne(block);
        code.tilerelease();
        return kernel.Assemble();
    }

    // Palette 1, and for each of the eight tiles sixteen lines of 64 bytes.
    private static byte[] Configuration()
    {
        var bytes = new byte[64];
        bytes[0] = 1;
        MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan(16, 16)).Fill(LineBytes);
        bytes.AsSpan(48, 8).Fill(Side);
        return bytes;
    }
}
