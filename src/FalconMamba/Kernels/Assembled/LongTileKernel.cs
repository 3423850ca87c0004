using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>Tiles of the formats of 256 weights: Q4_K, Q5_K, Q6_K. Integers all through a block, then three operations on floats.</summary>
internal sealed class LongTileKernel(TensorType type, int tokens, bool asks) : TileKernel(type, tokens, asks)
{
    private bool HasMinimum => Info.Type != TensorType.Q6_K;

    protected override void Multiply()
    {
        SumMinimums();
        ForEachGroup(() =>
        {
            // Q6_K has two scales in 32 columns.
            var columns = HasMinimum ? 32 : 16;
            for (var column = 0; column < 32; column += columns)
            {
                ForEach((half, token) => Code.vpxord(Product(half, token), Product(half, token), Product(half, token)));
                MultiplyAdd(columns);
                ScaleGroup();
            }
        });
        ScaleBlock();
    }

    // Minimums, or the scales of what codes are too high by, times the activations' sums.
    private void SumMinimums()
    {
        ForEach((half, token) => Code.vpxord(Total(half, token), Total(half, token), Total(half, token)));
        for (var group = 0; group < 8; group++)
        {
            Code.vmovdqu64(zmm24, __zmmword_ptr[rsi + (WeightPanel.Pairs + (group * RowBytes))]);
            Code.vmovdqu64(zmm25, __zmmword_ptr[rsi + (WeightPanel.Pairs + (group * RowBytes) + VectorBytes)]);
            for (var token = 0; token < Tokens; token++)
            {
                var sums = token % 2 == 0 ? zmm26 : zmm27;
                Code.vpbroadcastd(sums, __dword_ptr[r8 + At(token, TileActivations.B + (group * sizeof(int)))]);
                Code.vpdpwssd(Total(0, token), zmm24, sums);
                Code.vpdpwssd(Total(1, token), zmm25, sums);
            }
        }

        if (!HasMinimum)
        {
            Code.vpxord(zmm28, zmm28, zmm28);
            ForEach((half, token) =>
            {
                Code.vpslld(Total(half, token), Total(half, token), 5);
                Code.vpsubd(Total(half, token), zmm28, Total(half, token));
            });
            return;
        }

        ForEach((half, token) =>
        {
            Code.vcvtdq2ps(zmm28, Total(half, token));
            Code.vmulps(zmm28, zmm28, __zmmword_ptr[rsi + (WeightPanel.Heads + RowBytes + (half * VectorBytes))]);
            Code.vmovups(Scratch(half, token), zmm28);
            Code.vpxord(Total(half, token), Total(half, token), Total(half, token));
        });
    }

    // Total += product · scale · factor.
    private void ScaleGroup()
    {
        Code.vmovdqu64(zmm24, __zmmword_ptr[rbx]);
        Code.vmovdqu64(zmm25, __zmmword_ptr[rbx + VectorBytes]);
        for (var token = 0; token < Tokens; token++)
        {
            Code.vpbroadcastd(zmm26, __dword_ptr[r13 + At(token)]);
            Code.vpmulld(zmm28, zmm24, zmm26);
            Code.vpmulld(zmm29, zmm25, zmm26);
            Code.vpmulld(Product(0, token), Product(0, token), zmm28);
            Code.vpmulld(Product(1, token), Product(1, token), zmm29);
            Code.vpaddd(Total(0, token), Total(0, token), Product(0, token));
            Code.vpaddd(Total(1, token), Total(1, token), Product(1, token));
        }

        Code.add(rbx, RowBytes);
    }

    private void ScaleBlock() => ForEach((half, token) =>
    {
        var d = __zmmword_ptr[rsi + (WeightPanel.Heads + (half * VectorBytes))];
        var sums = __zmmword_ptr[r10 + ((token * RowBytes) + (half * VectorBytes))];
        Code.vcvtdq2ps(zmm28, Total(half, token));
        if (HasMinimum)
        {
            Code.vmovups(zmm29, Scratch(half, token));
            Code.vfmsub132ps(zmm28, zmm29, d);
        }
        else
        {
            Code.vmulps(zmm28, zmm28, d);
        }

        Code.vbroadcastss(zmm30, __dword_ptr[r9 + (token * sizeof(float))]);
        Code.vfmadd213ps(zmm28, zmm30, sums);
        Code.vmovups(sums, zmm28);
    });

    private static AssemblerMemoryOperand Scratch(int half, int token) => __zmmword_ptr[r11 + (((2 * token) + half) * VectorBytes)];
}
