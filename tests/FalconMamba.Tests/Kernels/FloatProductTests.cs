using FalconMamba.Kernels;

namespace FalconMamba.Tests.Kernels;

public class FloatProductTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Every_orientation_equals_the_sum_in_double(bool transposeA, bool transposeB)
    {
        foreach (var (m, n, k) in ((int, int, int)[])[(1, 1, 1), (2, 5, 16), (7, 600, 33), (16, 16, 16), (30, 17, 64), (65, 70, 81), (128, 48, 700)])
        {
            foreach (var accumulate in (bool[])[false, true])
            {
                var random = new Random(m + n + k);
                // Strides beyond the widths, as views of larger matrices have.
                var a = Matrix(transposeA ? k : m, transposeA ? m : k, 3, random);
                var b = Matrix(transposeB ? n : k, transposeB ? k : n, 5, random);
                foreach (var path in KernelSet.Paths)
                {
                    var c = Matrix(m, n, 2, new Random(1));
                    var before = Values(c);
                    KernelSet.Create(path, 2).FloatProduct(a, transposeA, b, transposeB, c, accumulate);
                    var actual = Values(c);
                    for (var i = 0; i < m; i++)
                    {
                        for (var j = 0; j < n; j++)
                        {
                            var sum = accumulate ? (double)before[i, j] : 0;
                            for (var l = 0; l < k; l++)
                                sum += (double)(transposeA ? At(a, l, i) : At(a, i, l)) * (transposeB ? At(b, j, l) : At(b, l, j));
                            Assert.Equal(sum, actual[i, j], 2e-5);
                        }
                    }
                }
            }
        }
    }

    [Fact]
    public void Rows_of_whole_lines_are_multiplied_where_they_lie()
    {
        var random = new Random(4);
        FloatMatrix a = Matrix(9, 32, 0, random), b = Matrix(20, 32, 0, random), c = Matrix(9, 20, 0, random);
        KernelSet.Create(null, 2).FloatProduct(a, false, b, true, c);
        for (var i = 0; i < 9; i++)
        {
            for (var j = 0; j < 20; j++)
                Assert.Equal(Enumerable.Range(0, 32).Sum(l => (double)At(a, i, l) * At(b, j, l)), At(c, i, j), 1e-5);
        }
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused()
    {
        var random = new Random(2);
        FloatMatrix a = Matrix(2, 3, 0, random), b = Matrix(4, 5, 0, random), c = Matrix(2, 5, 0, random);
        Assert.Throws<ArgumentException>(() => KernelSet.Create(null, 1).FloatProduct(a, false, b, false, c));
    }

    private static float At(FloatMatrix matrix, int row, int column) => matrix.Data.Buffer.Span[(row * matrix.Data.Stride) + column];

    private static float[,] Values(FloatMatrix matrix)
    {
        var values = new float[matrix.Count, matrix.Width];
        for (var i = 0; i < matrix.Count; i++)
            for (var j = 0; j < matrix.Width; j++) values[i, j] = At(matrix, i, j);
        return values;
    }

    private static FloatMatrix Matrix(int count, int width, int beyond, Random random)
    {
        var buffer = new NativeBuffer(count * (width + beyond));
        foreach (ref var v in buffer.Span) v = random.NextSingle() - 0.5f;
        return new FloatMatrix(new Rows(buffer, width + beyond), count, width);
    }
}
