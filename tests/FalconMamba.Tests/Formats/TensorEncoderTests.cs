using System.Runtime.InteropServices;
using FalconMamba.Formats;

namespace FalconMamba.Tests.Formats;

public class TensorEncoderTests
{
    [Fact]
    public void Every_bfloat16_comes_back()
    {
        for (var bits = 0; bits <= ushort.MaxValue; bits++)
        {
            var value = BitConverter.UInt32BitsToSingle((uint)bits << 16);
            var stored = Encode(TensorType.BF16, value);
            if (float.IsNaN(value)) Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle((uint)stored << 16)));
            else Assert.Equal(bits, stored);
        }
    }

    [Theory]
    [InlineData(0x3F800000u, 0x3F80)]
    [InlineData(0x3F808000u, 0x3F80)] // half way, down to even
    [InlineData(0x3F808001u, 0x3F81)]
    [InlineData(0x3F818000u, 0x3F82)] // half way, up to even
    [InlineData(0x7F7FFFFFu, 0x7F80)] // the largest float is nearer to infinity
    [InlineData(0x7F800000u, 0x7F80)]
    [InlineData(0x80000001u, 0x8000)]
    public void Bfloat16_rounds_to_the_nearest_even(uint value, int expected) =>
        Assert.Equal(expected, Encode(TensorType.BF16, BitConverter.UInt32BitsToSingle(value)));

    [Fact]
    public void Halves_are_the_runtimes_own()
    {
        var random = new Random(3);
        for (var i = 0; i < 10_000; i++)
        {
            var value = (random.NextSingle() - 0.5f) * MathF.Pow(2, random.Next(-30, 20));
            Assert.Equal(BitConverter.HalfToUInt16Bits((Half)value), Encode(TensorType.F16, value));
        }
    }

    [Fact]
    public void Other_types_and_lengths_are_refused()
    {
        Assert.Throws<ArgumentException>(() => TensorEncoder.Encode(TensorType.I8, [1f], new byte[1]));
        Assert.Throws<ArgumentException>(() => TensorEncoder.Encode(TensorType.F32, [1f], new byte[3]));
    }

    private static ushort Encode(TensorType type, float value)
    {
        Span<byte> bytes = stackalloc byte[2];
        TensorEncoder.Encode(type, [value], bytes);
        return MemoryMarshal.Read<ushort>(bytes);
    }
}
