using FalconMamba.Formats;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// Tiles of the formats of 32 weights: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1. Each block ends with three or four operations on floats;
/// the chains of all blocks stay in registers.
/// </summary>
internal sealed class ShortTileKernel(TensorType type, int tokens, bool asks) : TileKernel(type, tokens, asks)
{
    private bool HasMinimum => Info.Type is TensorType.Q4_1 or TensorType.Q5_1;

    protected override void Multiply()
    {
        ForEach((half, token) => Code.vmovups(Total(half, token), Sums(half, token)));
        ForEachGroup(() =>
        {
            for (var token = 0; token < Tokens; token++)
            {
                if (HasMinimum) Code.vpxord(Product(0, token), Product(0, token), Product(0, token));
                else Code.vpbroadcastd(Product(0, token), __dword_ptr[r13 + At(token)]);
                Code.vmovdqa64(Product(1, token), Product(0, token));
            }

            MultiplyAdd(ActivationQuantizer.Group);
            ScaleBlock();
        });
        ForEach((half, token) => Code.vmovups(Sums(half, token), Total(half, token)));
    }

    private void ScaleBlock()
    {
        Code.vmovups(zmm24, __zmmword_ptr[rbx]);
        Code.vmovups(zmm25, __zmmword_ptr[rbx + VectorBytes]);
        for (var token = 0; token < Tokens; token++)
        {
            if (HasMinimum) Code.vbroadcastss(zmm26, __dword_ptr[r13 + At(token)]);
            Code.vbroadcastss(zmm27, __dword_ptr[r13 + At(token, TileActivations.B - TileActivations.A)]);
            for (var half = 0; half < 2; half++)
            {
                var (product, d) = (Product(half, token), half == 0 ? zmm24 : zmm25);
                Code.vcvtdq2ps(product, product);
                if (HasMinimum)
                {
                    Code.vmulps(zmm28, zmm26, __zmmword_ptr[rbx + ((8 * RowBytes) + (half * VectorBytes))]);
                    Code.vfmsub213ps(product, d, zmm28);
                }
                else
                {
                    Code.vmulps(product, product, d);
                }

                Code.vfmadd231ps(Total(half, token), zmm27, product);
            }
        }

        Code.add(rbx, RowBytes);
    }

    private static AssemblerMemoryOperand Sums(int half, int token) => __zmmword_ptr[r10 + ((token * RowBytes) + (half * VectorBytes))];
}
