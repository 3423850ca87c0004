using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// A program that asks for AMX, multiplies small whole numbers with a kernel, adds the product to itself, and compares: on some
/// machines that report AMX the first instruction of its kind ends the process.
/// </summary>
internal static class AmxTrial
{
    /// <summary>Steps and blocks of the product.</summary>
    public const int Steps = 2, Blocks = 2;

    /// <summary>The program's exit status where all numbers are right.</summary>
    public const int Right = 42;

    /// <summary>The program's exit status where a number is wrong.</summary>
    public const int Wrong = 43;

    private const int Side = AmxTileKernel.Side, Rows = AmxTileKernel.Rows, Columns = Steps * AmxTileKernel.Columns, Tokens = Blocks * 2 * Side;

    // System calls, and what they are asked for.
    private const int Control = 157, SetDumpable = 4, ExitGroup = 231;

    /// <summary>The program.</summary>
    /// <param name="kernel">The kernel for two tiles of tokens.</param>
    public static byte[] Program(ReadOnlySpan<byte> kernel)
    {
        var code = new Assembler(64);
        Label exit = code.CreateLabel(), weights = code.CreateLabel(), input = code.CreateLabel(), expected = code.CreateLabel(), multiply = code.CreateLabel();
        // Should it die, it leaves no file behind.
        code.mov(edi, SetDumpable);
        code.xor(esi, esi);
        code.mov(eax, Control);
        code.syscall();
        // Where the permission is refused the kernel's first tile will tell.
        code.mov(edi, AmxSupport.RequestPermission);
        code.mov(esi, AmxSupport.TileData);
        code.mov(eax, AmxSupport.ArchitectureControl);
        code.syscall();
        code.sub(rsp, Tokens * Rows * sizeof(float));
        code.mov(r12, rsp);
        Multiply(0);
        Multiply(1);
        code.lea(rsi, __[expected]);
        code.mov(rdi, r12);
        code.mov(ecx, Tokens * Rows * sizeof(float) / sizeof(long));
        code.repe.cmpsq();
        code.mov(edi, Wrong);
        code.jne(exit);
        code.mov(edi, Right);
        code.Label(ref exit);
        code.mov(eax, ExitGroup);
        code.syscall();
        Place(ref multiply, kernel);
        Place(ref weights, MemoryMarshal.AsBytes<ushort>(Weights()));
        Place(ref input, MemoryMarshal.AsBytes<ushort>(Input()));
        Place(ref expected, MemoryMarshal.AsBytes<float>(Sums()));
        using var stream = new MemoryStream();
        code.Assemble(new StreamCodeWriter(stream), 0);
        return stream.ToArray();

        // The kernel's arguments, the last one first.
        void Multiply(int goesOn)
        {
            code.lea(rax, __[weights]);
            code.lea(rcx, __[input]);
            code.push(rax);
            code.push(goesOn);
            code.push(Blocks);
            code.push(Steps);
            code.push(r12);
            code.push(rcx);
            code.push(rax);
            code.mov(rdi, rsp);
            code.call(multiply);
        }

        void Place(ref Label label, ReadOnlySpan<byte> bytes)
        {
            code.Label(ref label);
            code.db(bytes.ToArray());
        }
    }

    /// <summary>The weights as the kernel reads them.</summary>
    public static ushort[] Weights()
    {
        var tiles = new ushort[Rows * Columns];
        for (var row = 0; row < Rows; row++)
        {
            for (var column = 0; column < Columns; column++)
                tiles[(((column / 32 * Rows) + row) * 32) + (column % 32)] = BFloat16(Weight(row, column));
        }

        return tiles;
    }

    /// <summary>The inputs as the kernel reads them.</summary>
    public static ushort[] Input()
    {
        var tiles = new ushort[Tokens * Columns];
        for (var token = 0; token < Tokens; token++)
        {
            for (var column = 0; column < Columns; column++)
            {
                var tile = (((token / 32 * Steps) + (column / 32)) * 2) + (token / Side % 2);
                tiles[(((((tile * Side) + (column % 32 / 2)) * Side) + (token % Side)) * 2) + (column % 2)] = BFloat16(Value(token, column));
            }
        }

        return tiles;
    }

    /// <summary>Twice the product, as the kernel writes it.</summary>
    public static float[] Sums()
    {
        var tiles = new float[Tokens * Rows];
        for (var token = 0; token < Tokens; token++)
        {
            for (var row = 0; row < Rows; row++)
            {
                var sum = 0;
                for (var column = 0; column < Columns; column++) sum += Weight(row, column) * Value(token, column);
                var tile = (((token / 32 * 2) + (row / Side)) * 2) + (token / Side % 2);
                tiles[(((tile * Side) + (row % Side)) * Side) + (token % Side)] = 2 * sum;
            }
        }

        return tiles;
    }

    // No two rows, tokens or columns near one another are equal.
    private static int Weight(int row, int column) => (((row * 5) + (column * 3)) % 11) - 5;

    private static int Value(int token, int column) => (((token * 3) + (column * 7)) % 13) - 6;

    private static ushort BFloat16(int value) => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
}
