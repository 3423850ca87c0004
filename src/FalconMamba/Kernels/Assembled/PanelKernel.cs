using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Fills a <see cref="WeightPanel"/> with Q4_K, assembled: sixteen rows of 64 bytes are transposed in registers, of which the
/// compiler's code finds too few.
/// </summary>
/// <remarks>
/// Registers: rsi, r10, r11, r12 the first of every four rows, r8 a row's bytes, r9 three times as many; rdx the panel, rcx the
/// halves left. zmm24 to zmm31 keep constants, k1 to k3 choose quarters.
/// </remarks>
internal sealed class PanelKernel
{
    private const int Lanes = 16, Head = 16, VectorBytes = 64, RowBytes = WeightPanel.RowBytes;

    private static readonly Lazy<nint> Loaded = new(static () => KernelAssembler.IsSupported ? new PanelKernel().Assemble() : 0);

    private static readonly AssemblerRegisterZMM[] Rows =
        [zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm13, zmm14, zmm15];

    private static readonly AssemblerRegisterXMM[] LowestQuarters = [xmm0, xmm1, xmm2, xmm3];

    private readonly KernelAssembler _kernel = new();

    private PanelKernel()
    {
    }

    private Assembler Code => _kernel.Code;

    private Quarters Quarters => new(_kernel);

    /// <summary>The kernel, assembled when it is first asked for.</summary>
    /// <returns>The function, or null if the processor or the system does not allow it.</returns>
    public static unsafe delegate* unmanaged[Cdecl]<void*, void> Find() => (delegate* unmanaged[Cdecl]<void*, void>)Loaded.Value;

    private unsafe nint Assemble()
    {
        var half = Code.CreateLabel();
        Code.mov(rsi, __qword_ptr[rdi]);
        Code.mov(r8, __qword_ptr[rdi + 8]);
        Code.mov(rdx, __qword_ptr[rdi + 16]);
        Code.lea(r9, __[r8 + (r8 * 2)]);
        Code.mov(rcx, 2);
        LoadConstants();
        Code.Label(ref half);
        Code.lea(r10, __[rsi + (r8 * 4)]);
        Code.lea(r11, __[rsi + (r8 * 8)]);
        Code.lea(r12, __[r10 + (r8 * 8)]);
        for (var place = 0; place < 2; place++) TransposeCodes(place);
        TransposeScales();
        Code.lea(rsi, __[r12 + (r8 * 4)]);
        Code.add(rdx, VectorBytes);
        Code.dec(rcx);
        Code.jnz(half);
        return (nint)_kernel.Load();
    }

    private void LoadConstants()
    {
        Quarters.LoadMasks();
        Quarters.LoadScaleConstants(zmm30, zmm29, zmm28);
        Code.vmovdqu64(zmm31, __zmmword_ptr[_kernel.Constant(Quarters.Repeat(0x0F0F0F0F, 0x0F0F0F0F, 0x0F0F0F0F, 0x0F0F0F0F))]);
    }

    // 64 bytes of sixteen rows: four of them of all rows come together, and their halves go to two columns of groups.
    private void TransposeCodes(int place)
    {
        for (var row = 0; row < Lanes; row++) Code.vmovdqu64(Rows[row], Row(__zmmword_ptr, row, Head + (place * VectorBytes)));
        for (var quad = 0; quad < Lanes; quad += 4) TransposeQuad(quad);
        for (var column = 0; column < 4; column++)
        {
            var at = Column(column);
            Code.vshufi32x4(zmm16, Rows[at], Rows[at + 4], 0b10_00_10_00);
            Code.vshufi32x4(zmm17, Rows[at], Rows[at + 4], 0b11_01_11_01);
            Code.vshufi32x4(zmm18, Rows[at + 8], Rows[at + 12], 0b10_00_10_00);
            Code.vshufi32x4(zmm19, Rows[at + 8], Rows[at + 12], 0b11_01_11_01);
            var first = (32 * place) + column;
            Store(zmm16, zmm18, 0b10_00_10_00, first);
            Store(zmm17, zmm19, 0b10_00_10_00, first + 4);
            Store(zmm16, zmm18, 0b11_01_11_01, first + 16);
            Store(zmm17, zmm19, 0b11_01_11_01, first + 20);
        }

        void Store(AssemblerRegisterZMM low, AssemblerRegisterZMM high, byte quarters, int column)
        {
            Code.vshufi32x4(zmm20, low, high, quarters);
            Code.vpsrld(zmm21, zmm20, 4);
            Code.vpandd(zmm20, zmm20, zmm31);
            Code.vpandd(zmm21, zmm21, zmm31);
            Code.vmovdqa64(__zmmword_ptr[rdx + (column * RowBytes)], zmm20);
            Code.vmovdqa64(__zmmword_ptr[rdx + ((column + 8) * RowBytes)], zmm21);
        }
    }

    // In each quarter four columns of four rows change places; zmm16 and zmm17 are lost.
    private void TransposeQuad(int first)
    {
        var (a, b, c, d) = (Rows[first], Rows[first + 1], Rows[first + 2], Rows[first + 3]);
        Code.vpunpckldq(zmm16, a, b);
        Code.vpunpckhdq(zmm17, a, b);
        Code.vpunpckldq(a, c, d);
        Code.vpunpckhdq(b, c, d);
        Code.vpunpcklqdq(c, zmm16, a);
        Code.vpunpckhqdq(d, zmm16, a);
        Code.vpunpcklqdq(a, zmm17, b);
        Code.vpunpckhqdq(b, zmm17, b);
    }

    // Where that leaves a column: the first two are in the last two registers.
    private static int Column(int column) => column ^ 2;

    // d, dmin, and the groups' scales and minimums in the sixteen bytes that a block begins with.
    private void TransposeScales()
    {
        for (var row = 0; row < 4; row++)
        {
            Code.vmovdqu(LowestQuarters[row], Row(__xmmword_ptr, row, 0));
            Code.vbroadcasti32x4(Rows[row].k1, Row(__xmmword_ptr, row + 4, 0));
            Code.vbroadcasti32x4(Rows[row].k2, Row(__xmmword_ptr, row + 8, 0));
            Code.vbroadcasti32x4(Rows[row].k3, Row(__xmmword_ptr, row + 12, 0));
        }

        Code.vpunpckldq(zmm4, zmm0, zmm1);
        Code.vpunpckldq(zmm5, zmm2, zmm3);
        Code.vpunpcklqdq(zmm4, zmm4, zmm5);
        StoreHalves(0);
        Code.vpsrld(zmm4, zmm4, 16);
        StoreHalves(RowBytes);
        for (var row = 0; row < 4; row++) Quarters.UnpackScales(Rows[row], Rows[row], zmm4, zmm30, zmm29, zmm28);
        TransposeQuad(0);
        for (byte group = 0; group < 8; group++)
        {
            // Each four bytes are those of four groups: one as a number, or twice as a pair of words.
            var place = (uint)(group % 4);
            Code.vpshufb(zmm4, Rows[Column(group / 4)], __zmmword_ptr[Places(0x80808000u | place, 4)]);
            Code.vmovdqa64(__zmmword_ptr[rdx + (WeightPanel.Scales + (group * RowBytes))], zmm4);
            Code.vpshufb(zmm5, Rows[Column(2 + (group / 4))], __zmmword_ptr[Places(0x80008000u | (place << 16) | place, 0x00040004)]);
            Code.vmovdqa64(__zmmword_ptr[rdx + (WeightPanel.Pairs + (group * RowBytes))], zmm5);
        }

        void StoreHalves(int place)
        {
            Code.vpmovdw(ymm5, zmm4);
            Code.vcvtph2ps(zmm5, ymm5);
            Code.vmovaps(__zmmword_ptr[rdx + (WeightPanel.Heads + place)], zmm5);
        }
    }

    private Label Places(uint first, uint step) => _kernel.Constant(Quarters.Repeat(first, first + step, first + (2 * step), first + (3 * step)));

    private static AssemblerMemoryOperand Row(AssemblerMemoryOperandFactory size, int row, int place)
    {
        var first = (row / 4) switch { 0 => rsi, 1 => r10, 2 => r11, _ => r12 };
        return (row % 4) switch
        {
            0 => size[first + place],
            1 => size[first + r8 + place],
            2 => size[first + (r8 * 2) + place],
            _ => size[first + r9 + place],
        };
    }
}
