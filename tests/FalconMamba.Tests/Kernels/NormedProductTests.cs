using FalconMamba.Formats;
using FalconMamba.Kernels;
using FalconMamba.Quantization;

namespace FalconMamba.Tests.Kernels;

/// <summary>A product with the norm in front of it.</summary>
public class NormedProductTests
{
    private const int Weights = 24;

    [Theory]
    [InlineData(TensorType.Q4_K, 512)]
    [InlineData(TensorType.Q6_K, 4352)]
    [InlineData(TensorType.Q8_0, 96)]
    [InlineData(TensorType.Q8_0, 4128)]
    [InlineData(TensorType.Q4_0, 256)]
    [InlineData(TensorType.F32, 100)]
    public void A_fused_norm_gives_the_bits_of_a_norm_and_a_product(TensorType type, int columns)
    {
        var weights = Matrix(type, columns);
        var stride = (columns + 31) & ~15;
        using var norm = Numbers(stride, columns);
        using var bias = Numbers(2 * Weights, columns + 1);
        foreach (var tokens in (int[])[1, 2, 5])
        {
            using var x = Numbers(tokens * stride, tokens);
            using var normed = new NativeBuffer(tokens * stride);
            using var scratch = new QuantizedActivations(tokens, columns);
            using NativeBuffer expected = new(tokens * Weights), fused = new(tokens * Weights);
            Rows input = new(x, stride), room = new(normed, stride);
            foreach (var path in KernelSet.Paths)
            {
                foreach (var exact in (bool[])[false, true])
                {
                    var kernels = KernelSet.Create(path, 2, exact);
                    kernels.RmsNorm(input, room, norm, tokens, columns, 1e-5f);
                    kernels.MatrixProduct(weights, 0, Weights, room, new Rows(expected, Weights), bias, tokens, scratch);
                    kernels.NormedProduct(weights, input, norm, 1e-5f, room, new Rows(fused, Weights), bias, tokens, scratch);
                    Assert.True(expected.Span.SequenceEqual(fused.Span), $"{path}, {tokens} tokens, exact {exact}");
                    Assert.Contains(fused.Span.ToArray(), y => y != 0);
                }
            }
        }
    }

    private static Tensor Matrix(TensorType type, int columns)
    {
        if (type == TensorType.F32) return Tensor.FromArray<float>("w", [Weights, columns], Numbers(Weights * columns, 1).Span.ToArray());
        var info = type.Info();
        var bytes = new byte[Weights * columns / info.BlockLength * info.BlockBytes];
        RandomBlocks.Of(type, 0.02).Fill(1, 2, 0, bytes);
        return Tensor.FromBytes("w", type, [Weights, columns], bytes);
    }

    private static NativeBuffer Numbers(int count, int seed)
    {
        var random = new Random(seed);
        var buffer = new NativeBuffer(count);
        foreach (ref var number in buffer.Span) number = random.NextSingle() - 0.5f;
        return buffer;
    }
}
