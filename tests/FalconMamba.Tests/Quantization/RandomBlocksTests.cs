using FalconMamba.Formats;
using FalconMamba.Quantization;

namespace FalconMamba.Tests.Quantization;

public class RandomBlocksTests
{
    private const int Blocks = 1024;

    [Theory]
    [InlineData(TensorType.Q4_0)]
    [InlineData(TensorType.Q5_0)]
    [InlineData(TensorType.Q5_1)]
    [InlineData(TensorType.Q8_0)]
    [InlineData(TensorType.Q4_K)]
    [InlineData(TensorType.Q5_K)]
    [InlineData(TensorType.Q6_K)]
    public void Weights_have_the_wanted_deviation_around_zero(TensorType type)
    {
        foreach (var deviation in (double[])[0.02, 0.3])
        {
            var values = Decoded(type, Filled(type, deviation, 0, Blocks));
            var mean = values.Average(w => (double)w);
            Assert.InRange(Math.Sqrt(values.Average(w => Math.Pow(w - mean, 2))) / deviation, 0.98, 1.02);
            Assert.InRange(mean / deviation * Math.Sqrt(values.Length), -5, 5);
            Assert.InRange(values.Distinct().Count(), 16, 512);

            // Neighbours are independent: nothing of a block repeats in the next one.
            var products = values.Zip(values.Skip(type.Info().BlockLength), (a, b) => (double)a * b);
            Assert.InRange(products.Average() / (deviation * deviation) * Math.Sqrt(values.Length), -5, 5);
        }
    }

    [Theory]
    [InlineData(TensorType.Q8_0)]
    [InlineData(TensorType.Q4_K)]
    public void A_block_depends_on_seed_stream_and_place_only(TensorType type)
    {
        var blocks = RandomBlocks.Of(type, 0.02);
        var length = type.Info().BlockBytes;
        var whole = Filled(type, 0.02, 0, 40);
        var part = new byte[13 * length];
        blocks.Fill(1, 2, 16, part);
        Assert.Equal(whole[(16 * length)..(29 * length)], part);
        blocks.Fill(2, 2, 16, part);
        Assert.NotEqual(whole[(16 * length)..(29 * length)], part);
        blocks.Fill(1, 3, 16, part);
        Assert.NotEqual(whole[(16 * length)..(29 * length)], part);
    }

    [Fact]
    public void There_are_none_of_types_that_no_mix_has() => Assert.Throws<ArgumentException>(() => RandomBlocks.Of(TensorType.IQ4_XS, 1));

    private static byte[] Filled(TensorType type, double deviation, long first, int count)
    {
        var bytes = new byte[count * type.Info().BlockBytes];
        RandomBlocks.Of(type, deviation).Fill(1, 2, first, bytes);
        return bytes;
    }

    private static float[] Decoded(TensorType type, byte[] bytes)
    {
        var values = new float[bytes.Length / type.Info().BlockBytes * type.Info().BlockLength];
        BlockFormats.Find(type)!.Dequantize(bytes, values);
        return values;
    }
}
