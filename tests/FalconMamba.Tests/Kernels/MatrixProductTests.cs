using System.Runtime.InteropServices;
using FalconMamba.Formats;
using FalconMamba.Kernels;
using FalconMamba.Kernels.Assembled;
using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Tests.Kernels;

public class MatrixProductTests
{
    // Float weights need no room for activations of eight bits.
    private static readonly QuantizedActivations NoScratch = new(0, 0);
    private static readonly IReadOnlyList<string> Paths = KernelSet.Paths;

    [Theory]
    [InlineData(TensorType.F32)]
    [InlineData(TensorType.F16)]
    [InlineData(TensorType.BF16)]
    public void Every_size_equals_the_sum_in_double_and_the_twin_bit_for_bit(TensorType type)
    {
        foreach (var columns in (int[])[1, 2, 3, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 130])
        {
            foreach (var rows in (int[])[1, 2, 3, 4, 5, 16, 17, 33])
            {
                foreach (var tokens in (int[])[1, 2, 3, 4, 5, 9])
                    Check(type, rows, columns, tokens);
            }
        }
    }

    [Theory]
    [InlineData(TensorType.F32)]
    [InlineData(TensorType.F16)]
    [InlineData(TensorType.BF16)]
    public void Every_edge_of_the_tiles_equals_another_path_bit_for_bit(TensorType type)
    {
        // Around a line, a stretch and two; a tile, a panel and two; a pass of a tile's tokens, and of a panel's.
        foreach (var columns in (int[])[15, 16, 31, 32, 33, 640, 648, 1040, 1296])
        {
            foreach (var rows in (int[])[3, 4, 7, 8, 17, 63, 390])
            {
                foreach (var tokens in (int[])[2, 6, 7, 8, 13, 23, 24, 25, 63, 65, 95, 98])
                {
                    var random = new Random((rows * 1000) + columns);
                    var weights = Matrix(type, rows, columns, random, out _);
                    var input = Input(columns, tokens, random);
                    float[] expected = new float[rows * tokens], actual = new float[rows * tokens];
                    KernelSet.Create("256", 2).MatrixProduct(weights, input, expected, tokens, NoScratch);
                    KernelSet.Create(Paths[0], 2, exact: true).MatrixProduct(weights, input, actual, tokens, NoScratch);
                    Assert.True(expected.AsSpan().SequenceEqual(actual), $"{type} {rows}x{columns} of {tokens} tokens");
                    input.Buffer.Dispose();
                }
            }
        }
    }

    [Fact]
    public void Many_tokens_of_bfloat16_weights_are_rounded_to_bfloat16_where_it_pays()
    {
        Assert.SkipUnless(TileChoice.PrefersPairs, "This processor multiplies float32 as fast.");
        var random = new Random(9);
        var kernels = KernelSet.Create("emitted", 2);
        foreach (var columns in (int[])[16, 32, 77, 1280, 1312])
        {
            const int Rows = 70, Tokens = 70;
            var weights = Matrix(TensorType.BF16, Rows, columns, random, out var values);
            var input = Input(columns, Tokens, random);
            var together = new float[Rows * Tokens];
            kernels.MatrixProduct(weights, input, together, Tokens, NoScratch);
            foreach (var few in (int[])[8, 9, 13, 23, 24, 64])
            {
                if (Unit(few) != Unit(Tokens)) continue;
                var some = new float[Rows * few];
                kernels.MatrixProduct(weights, input, some, few, NoScratch);
                Assert.Equal(together[..some.Length], some);
            }

            for (var t = 0; t < Tokens; t++)
            {
                foreach (ref var x in input.Row(t, columns)) x = Rounded(x);
                for (var r = 0; r < Rows; r++) Assert.Equal(Dot(values, r * columns, input.Row(t, columns)), together[(t * Rows) + r], 1e-5);
            }
        }
    }

    [Fact]
    public void A_pinned_product_gives_a_token_the_same_bits_whatever_the_number_of_tokens_and_threads()
    {
        var random = new Random(11);
        foreach (var columns in (int[])[16, 32, 64, 77, 96, 1280, 1312, 2592])
        {
            const int RowCount = 70, Most = 130;
            var weights = Matrix(TensorType.BF16, RowCount, columns, random, out var values);
            var input = Input(columns, Most, random);
            // Too small for bfloat16's normal numbers, as products and sums, and none: all must end alike.
            foreach (var (token, x) in ((int, float)[])[(0, 1e-39f), (1, 1e-30f), (2, float.NaN), (3, float.PositiveInfinity)]) input.Row(token, columns)[^1] = x;
            foreach (var path in Paths.Where(path => path is "amx" or "emitted"))
            {
                var together = new float[RowCount * Most];
                KernelSet.Create(path, 2, deterministic: true).MatrixProduct(weights, input, together, Most, NoScratch);
                foreach (var threads in (int[])[1, 2, 3, 7])
                {
                    var kernels = KernelSet.Create(path, threads, deterministic: true);
                    foreach (var tokens in (int[])[1, 2, 3, 4, 5, 6, 7, 8, 13, 23, 24, 63, 64, 65, 95, 96, Most])
                    {
                        for (var first = 0; first + tokens <= Most; first += tokens)
                        {
                            var some = new float[RowCount * tokens];
                            kernels.MatrixProduct(weights, input with { Offset = first * input.Stride }, some, tokens, NoScratch);
                            Assert.True(
                                MemoryMarshal.AsBytes(together.AsSpan(first * RowCount, some.Length)).SequenceEqual(MemoryMarshal.AsBytes(some.AsSpan())),
                                $"{RowCount}x{columns}, {tokens} tokens from {first} on, {threads} threads, path {path}");
                        }
                    }
                }

                for (var t = 4; t < Most; t++)
                {
                    float[] x = [.. input.Row(t, columns)];
                    if (TileChoice.PrefersPairs) x = Array.ConvertAll(x, Rounded);
                    for (var r = 0; r < RowCount; r++) Assert.Equal(Dot(values, r * columns, x), together[(t * RowCount) + r], 2e-5);
                }
            }

            input.Buffer.Dispose();
        }
    }

    [Fact]
    public void A_token_gives_the_same_bits_alone_and_among_others()
    {
        var random = new Random(3);
        const int Rows = 70, Columns = 77, Tokens = 21;
        foreach (var type in (TensorType[])[TensorType.F32, TensorType.F16, TensorType.BF16])
        {
            var weights = Matrix(type, Rows, Columns, random, out _);
            var input = Input(Columns, Tokens, random);
            var kernels = KernelSet.Create(null, 2, deterministic: true);
            var together = new float[Rows * Tokens];
            kernels.MatrixProduct(weights, input, together, Tokens, NoScratch);
            for (var t = 0; t < Tokens; t++)
            {
                var alone = new float[Rows];
                kernels.MatrixProduct(weights, input with { Offset = t * input.Stride }, alone, 1, NoScratch);
                Assert.Equal(together[(t * Rows)..((t + 1) * Rows)], alone);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(50)]
    public void The_bias_is_added_and_the_residual_kept(int tokens)
    {
        var random = new Random(5);
        var weights = Matrix(TensorType.F32, 20, 24, random, out var values);
        var input = Input(24, tokens, random);
        using var bias = new NativeBuffer(32);
        using var outputBuffer = new NativeBuffer(32 * tokens);
        var output = new Rows(outputBuffer, 32);
        for (var i = 0; i < 20; i++) bias.Span[i] = i;
        outputBuffer.Span.Fill(100);
        KernelSet.Create(null, 1).MatrixProduct(weights, 4, 10, input, output, bias, tokens, NoScratch, accumulate: true);
        for (var t = 0; t < tokens; t++)
        {
            for (var r = 0; r < 10; r++)
                Assert.Equal(100 + 4 + r + Dot(values, (4 + r) * 24, input.Row(t, 24)), output.Row(t, 10)[r], 1e-4);
            Assert.Equal(100, output.Row(t, 11)[10]);
        }
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused_before_anything_is_read()
    {
        var random = new Random(1);
        var weights = Matrix(TensorType.F32, 8, 32, random, out _);
        var input = Input(32, 2, random);
        var kernels = KernelSet.Create(null, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => kernels.MatrixProduct(weights, input, new float[15], 2, NoScratch));
        Assert.Throws<ArgumentOutOfRangeException>(() => kernels.MatrixProduct(weights, input, new float[24], 3, NoScratch));
        Assert.Throws<ArgumentOutOfRangeException>(() => kernels.MatrixProduct(weights, 7, 2, input, input, null, 1, NoScratch));
        Assert.Throws<ArgumentException>(() => KernelSet.Create("1024", 1));
    }

    private static void Check(TensorType type, int rows, int columns, int tokens)
    {
        var random = new Random((rows * 1000) + columns);
        var weights = Matrix(type, rows, columns, random, out var values);
        var input = Input(columns, tokens, random);
        float[]? twin = null;
        foreach (var path in Paths)
        {
            var output = new float[rows * tokens];
            KernelSet.Create(path, 2, exact: true).MatrixProduct(weights, input, output, tokens, NoScratch);
            twin ??= output;
            Assert.True(twin.AsSpan().SequenceEqual(output), $"{type} {rows}x{columns} of {tokens} tokens on path {path}");
        }

        for (var t = 0; t < tokens; t++)
            for (var r = 0; r < rows; r++) Assert.Equal(Dot(values, r * columns, input.Row(t, columns)), twin![(t * rows) + r], 1e-5);
    }

    private static PairUnit Unit(int tokens) => MatrixProduct<Lanes512, BF16Format>.PairsOf(tokens, ActivationRounding.WhereItPays);

    private static float Rounded(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }

    private static double Dot(float[] matrix, int start, ReadOnlySpan<float> x)
    {
        var sum = 0.0;
        for (var k = 0; k < x.Length; k++) sum += (double)matrix[start + k] * x[k];
        return sum;
    }

    private static Rows Input(int columns, int tokens, Random random)
    {
        var stride = (columns + 15) & ~15;
        var rows = new Rows(new NativeBuffer(stride * tokens), stride);
        for (var t = 0; t < tokens; t++)
            foreach (ref var x in rows.Row(t, columns)) x = random.NextSingle() - 0.5f;
        return rows;
    }

    private static Tensor Matrix(TensorType type, int rows, int columns, Random random, out float[] values)
    {
        var numbers = new float[rows * columns];
        foreach (ref var v in numbers.AsSpan()) v = random.NextSingle() - 0.5f;
        var tensor = type switch
        {
            TensorType.F16 => Tensor.FromArray<Half>("w", [rows, columns], Array.ConvertAll(numbers, v => (Half)v)),
            TensorType.BF16 => Tensor.FromBytes("w", type, [rows, columns], [.. numbers.SelectMany(v => BitConverter.GetBytes(v)[2..])]),
            _ => Tensor.FromArray<float>("w", [rows, columns], numbers),
        };
        values = tensor.ToSingle();
        return tensor;
    }
}
