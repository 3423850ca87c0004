using System.Runtime.Intrinsics;
using FalconMamba.Kernels;

namespace FalconMamba.Tests.Kernels;

public class ProductPeaksTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Peaks_are_found_on_every_machine(int threads)
    {
        Assert.True(ProductPeaks.MeasureFloats(threads, rounds: 1) > 0);
        Assert.True(ProductPeaks.MeasureBytes(threads, rounds: 1) > 0);
        Assert.True(MemoryBandwidth.Measure(threads, rounds: 1, bytes: 1 << 22) > 0);
    }

    [Fact]
    public void The_narrow_products_run_anywhere()
    {
        Assert.True(ProductPeaks.Measure<FloatProduct128, Vector128<float>>(1, 1) > 0);
        Assert.True(ProductPeaks.Measure<ByteProduct128, Vector128<int>>(1, 1) > 0);
        Assert.Equal(Vector128.Create(1f), FloatProduct128.Step(Vector128.Create(1f), FloatProduct128.Factor));
    }
}
