using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Iced.Intel;

namespace FalconMamba.Tests.Kernels;

/// <summary>
/// Carries out the few instructions that kernels for AMX are made of, on the memory of this process, as Intel's manual describes
/// them: what takes the place of a processor that has tiles. Whatever else occurs, or touches memory that it may not, is an error.
/// </summary>
internal sealed unsafe class TileMachine
{
    private const int TileCount = 8, MostLines = 16, LineBytes = 64, TileBytes = MostLines * LineBytes;

    private readonly byte[] _code;
    private readonly ulong _start;
    private readonly Dictionary<ulong, Instruction> _decoded = [];
    private readonly ulong[] _registers = new ulong[16];
    private readonly Stack<ulong> _stack = new();
    private readonly byte[] _tiles = GC.AllocateArray<byte>(TileCount * TileBytes, pinned: true);
    private readonly int[] _lines = new int[TileCount], _widths = new int[TileCount];
    private bool _isConfigured, _isZero;

    /// <summary>Takes the code of a kernel.</summary>
    public TileMachine(byte[] code)
    {
        _code = GC.AllocateUninitializedArray<byte>(code.Length, pinned: true);
        code.CopyTo(_code, 0);
        _start = (ulong)Unsafe.AsPointer(ref _code[0]);
    }

    /// <summary>Where tiles may be read; empty for everywhere.</summary>
    public List<(nint Start, nint Length)> Readable { get; } = [];

    /// <summary>Where tiles may be written; empty for everywhere.</summary>
    public List<(nint Start, nint Length)> Writable { get; } = [];

    /// <summary>Whether the last run left the tiles released.</summary>
    public bool HasReleased => !_isConfigured;

    /// <summary>Calls the kernel.</summary>
    /// <param name="arguments">Its only argument.</param>
    public void Call(void* arguments)
    {
        var before = _registers.ToArray();
        this[Register.RDI] = (ulong)arguments;
        _stack.Push(0);
        for (var place = _start; place != 0;)
        {
            ref readonly var instruction = ref Decode(place);
            place = Execute(in instruction);
        }

        Assert.Empty(_stack);
        // What the calling convention lets the caller keep.
        foreach (var register in (Register[])[Register.RBX, Register.RBP, Register.R12, Register.R13, Register.R14, Register.R15])
            Assert.Equal(before[register - Register.RAX], this[register]);
    }

    private ref ulong this[Register register] => ref _registers[register.GetFullRegister() - Register.RAX];

    private ref readonly Instruction Decode(ulong place)
    {
        ref var instruction = ref CollectionsMarshal.GetValueRefOrAddDefault(_decoded, place, out var known);
        if (known) return ref instruction;
        var offset = checked((int)(place - _start));
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(_code, offset, _code.Length - offset), place);
        decoder.Decode(out instruction);
        return ref instruction;
    }

    /// <summary>Carries out one instruction; returns where the next one is.</summary>
    private ulong Execute(in Instruction i)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Endbr64 or Mnemonic.Vzeroupper or Mnemonic.Prefetcht1: break;
            case Mnemonic.Push: _stack.Push(Value(in i, 0)); break;
            case Mnemonic.Pop: this[i.Op0Register] = _stack.Pop(); break;
            case Mnemonic.Ret: return _stack.Pop();
            case Mnemonic.Mov: this[i.Op0Register] = Value(in i, 1); break;
            case Mnemonic.Add: _isZero = (this[i.Op0Register] += Value(in i, 1)) == 0; break;
            case Mnemonic.Dec: _isZero = --this[i.Op0Register] == 0; break;
            case Mnemonic.Cmp: _isZero = Value(in i, 0) == Value(in i, 1); break;
            case Mnemonic.Je when _isZero: return i.NearBranchTarget;
            case Mnemonic.Jne when !_isZero: return i.NearBranchTarget;
            case Mnemonic.Je or Mnemonic.Jne: break;
            case Mnemonic.Jmp: return i.NearBranchTarget;
            case Mnemonic.Ldtilecfg: Configure((byte*)i.IPRelativeMemoryAddress); break;
            case Mnemonic.Tilerelease: _isConfigured = false; break;
            case Mnemonic.Tilezero: Lines(i.Op0Register).Clear(); break;
            case Mnemonic.Tileloadd: Load(in i); break;
            case Mnemonic.Tilestored: Store(in i); break;
            case Mnemonic.Tdpbf16ps: Multiply(i.Op0Register, i.Op1Register, i.Op2Register); break;
            default: throw new NotSupportedException($"A kernel for AMX has no {i}.");
        }

        return i.NextIP;
    }

    private ulong Value(in Instruction i, int operand)
    {
        var kind = i.GetOpKind(operand);
        if (kind == OpKind.Register) return this[i.GetOpRegister(operand)];
        if (kind != OpKind.Memory) return i.GetImmediate(operand);
        Assert.Equal(8, i.MemorySize.GetSize());
        return *(ulong*)(this[i.MemoryBase] + i.MemoryDisplacement64);
    }

    private void Configure(byte* configuration)
    {
        // A palette, the line to begin at, and what must be zero.
        Assert.Equal((1, 0), (configuration[0], configuration[1]));
        foreach (var place in (int[])[.. Enumerable.Range(2, 14), .. Enumerable.Range(32, 16), .. Enumerable.Range(56, 8)]) Assert.Equal(0, configuration[place]);
        for (var tile = 0; tile < TileCount; tile++)
        {
            _widths[tile] = ((ushort*)configuration)[8 + tile];
            _lines[tile] = configuration[48 + tile];
            Assert.True(_widths[tile] is > 0 and <= LineBytes && _lines[tile] is > 0 and <= MostLines);
        }

        Array.Clear(_tiles);
        _isConfigured = true;
    }

    private Span<byte> Lines(Register tile)
    {
        Assert.True(_isConfigured);
        return _tiles.AsSpan((tile - Register.TMM0) * TileBytes, TileBytes);
    }

    // The base and the displacement are the first line's place, the index is the distance between two.
    private byte* Line(in Instruction i, int line) =>
        (byte*)(this[i.MemoryBase] + i.MemoryDisplacement64 + ((ulong)line * this[i.MemoryIndex] * (ulong)i.MemoryIndexScale));

    private void Load(in Instruction i)
    {
        var tile = Lines(i.Op0Register);
        tile.Clear();
        for (var line = 0; line < _lines[i.Op0Register - Register.TMM0]; line++)
        {
            var source = Allowed(Readable, Line(in i, line), _widths[i.Op0Register - Register.TMM0]);
            source.CopyTo(tile[(line * LineBytes)..]);
        }
    }

    private void Store(in Instruction i)
    {
        var tile = Lines(i.Op1Register);
        for (var line = 0; line < _lines[i.Op1Register - Register.TMM0]; line++)
        {
            var destination = Allowed(Writable, Line(in i, line), _widths[i.Op1Register - Register.TMM0]);
            tile.Slice(line * LineBytes, destination.Length).CopyTo(destination);
        }
    }

    private static Span<byte> Allowed(List<(nint Start, nint Length)> places, byte* line, int width)
    {
        Assert.True(places.Count == 0 || places.Exists(place => (nint)line >= place.Start && (nint)line + width <= place.Start + place.Length));
        return new Span<byte>(line, width);
    }

    // A sum of all even columns' products and one of all odd ones', each a chain of fused multiply-adds; then both together
    // go to the tile's number. Rounded to the nearest, the even one of two; what is subnormal counts as zero.
    private void Multiply(Register sums, Register rows, Register columns)
    {
        int c = sums - Register.TMM0, a = rows - Register.TMM0, b = columns - Register.TMM0, pairs = _widths[a] / 4;
        Assert.True(c != a && c != b && a != b && _lines[c] == _lines[a] && _widths[c] == _widths[b] && pairs == _lines[b]);
        fixed (byte* to = Lines(sums), left = Lines(rows), right = Lines(columns))
        {
            for (var m = 0; m < _lines[c]; m++)
            {
                var x = (ushort*)(left + (m * LineBytes));
                var y = (float*)(to + (m * LineBytes));
                for (var n = 0; n < _widths[c] / 4; n++)
                {
                    float even = 0, odd = 0;
                    for (var k = 0; k < pairs; k++)
                    {
                        var w = (ushort*)(right + (k * LineBytes)) + (2 * n);
                        even = Flush(MathF.FusedMultiplyAdd(Widen(x[2 * k]), Widen(w[0]), even));
                        odd = Flush(MathF.FusedMultiplyAdd(Widen(x[(2 * k) + 1]), Widen(w[1]), odd));
                    }

                    y[n] = Flush(Flush(y[n]) + Flush(even + odd));
                }
            }
        }
    }

    private static float Widen(ushort value) => Flush(BitConverter.UInt32BitsToSingle((uint)value << 16));

    private static float Flush(float value) => float.IsSubnormal(value) ? MathF.CopySign(0, value) : value;
}
