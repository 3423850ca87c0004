using FalconMamba.Kernels;

namespace FalconMamba.Tests.Kernels;

public class NativeBufferTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(33)]
    [InlineData(3 << 20)]
    public unsafe void Memory_is_aligned_and_zero_at_first(int length)
    {
        using var buffer = new NativeBuffer(length);

        Assert.Equal(0, (nint)buffer.Pointer % 64);
        Assert.Equal(-1, buffer.Span.IndexOfAnyExcept(0f));
    }

    [Fact]
    public void Slices_share_the_memory_of_the_whole_and_end_with_it()
    {
        var whole = new NativeBuffer(64);
        var slice = whole.Slice(16, 40);
        var slicesSlice = slice.Slice(16, 24);
        slicesSlice.Span[0] = 3;

        Assert.Equal(3, whole.Span[32]);
        slice.Dispose();
        Assert.Equal(3, slicesSlice.Span[0]);
        whole.Dispose();
        Assert.Throws<ObjectDisposedException>(() => slicesSlice.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => whole.Slice(0, 1));
    }

    [Theory]
    [InlineData(8, 8)]
    [InlineData(-16, 8)]
    [InlineData(48, 17)]
    [InlineData(16, -1)]
    public void Slices_outside_or_off_the_alignment_are_refused(int start, int length)
    {
        using var whole = new NativeBuffer(64);

        Assert.Throws<ArgumentOutOfRangeException>(() => whole.Slice(start, length));
    }
}
