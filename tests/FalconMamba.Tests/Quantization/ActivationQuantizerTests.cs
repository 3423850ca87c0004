using System.Runtime.InteropServices;
using FalconMamba.Kernels;

namespace FalconMamba.Tests.Quantization;

/// <summary>Rounding to eight bits beside a plain twin of it, number for number and bit for bit.</summary>
public class ActivationQuantizerTests
{
    private const int Group = ActivationQuantizer.Group;

    [Theory]
    [InlineData(1, 32, 32)]
    [InlineData(2, 96, 32)]
    [InlineData(3, 256, 32)]
    [InlineData(2, 1376, 32)]
    [InlineData(29, 1184, 32)]
    [InlineData(1, 256, 256)]
    [InlineData(3, 768, 256)]
    [InlineData(1, 8192, 256)]
    [InlineData(27, 1280, 256)]
    public void Results_are_those_of_one_number_at_a_time(int tokens, int columns, int block)
    {
        var random = new Random((tokens * columns) + block);
        foreach (var kind in Enum.GetValues<Kind>())
        {
            for (var round = 0; round < 4; round++)
            {
                var x = new float[tokens * columns];
                for (var i = 0; i < x.Length; i += Group) Fill(x.AsSpan(i, Group), kind, random);
                var expected = new Rounded(tokens, columns, block);
                for (var i = 0; i < x.Length; i += block) expected.RoundBlock(x, i);
                foreach (var threads in new[] { 1, 3 }) Compare(expected, Round(x, tokens, columns, block, threads), $"{kind}, {threads} threads");
            }
        }
    }

    private static void Compare(Rounded expected, Rounded actual, string what)
    {
        Assert.True(expected.Codes.AsSpan().SequenceEqual(actual.Codes), $"codes: {what}");
        Assert.True(expected.Factors.AsSpan().SequenceEqual(actual.Factors), $"factors: {what}");
        Assert.True(expected.Sums.AsSpan().SequenceEqual(actual.Sums), $"sums: {what}");
        Assert.True(MemoryMarshal.Cast<float, int>(expected.Scales).SequenceEqual(MemoryMarshal.Cast<float, int>(actual.Scales)), $"scales: {what}");
    }

    private static unsafe Rounded Round(float[] x, int tokens, int columns, int block, int threads)
    {
        // Rows lie apart, between numbers that are not theirs.
        var stride = columns + 48;
        using var input = new NativeBuffer(tokens * stride);
        input.Span.Fill(float.NaN);
        for (var t = 0; t < tokens; t++) x.AsSpan(t * columns, columns).CopyTo(input.Span[(t * stride)..]);
        using var scratch = new QuantizedActivations(tokens, columns);
        var rows = scratch.Rows(tokens, columns, block);
        var result = new Rounded(tokens, columns, block);
        new Span<byte>(rows.Codes, result.Codes.Length).Fill(99);
        ActivationQuantizer.Run(input.Pointer, stride, in rows, tokens, ComputePool.Shared, threads);
        new Span<sbyte>(rows.Codes, result.Codes.Length).CopyTo(result.Codes);
        new Span<float>(rows.Scales, result.Scales.Length).CopyTo(result.Scales);
        new Span<byte>(rows.Factors, result.Factors.Length).CopyTo(result.Factors);
        new Span<short>(rows.Sums, result.Sums.Length).CopyTo(result.Sums);
        return result;
    }

    private static void Fill(Span<float> group, Kind kind, Random random)
    {
        var one = kind == Kind.Mixed ? (Kind)random.Next((int)Kind.Mixed) : kind;
        var size = MathF.Exp((random.NextSingle() * 8f) - 4f);
        foreach (ref var x in group)
        {
            x = ((2f * random.NextSingle()) - 1f) * size;
            x = one switch
            {
                Kind.Halves => random.Next(-254, 255) / 2f,
                Kind.Tiny => x * 1e-38f,
                Kind.AroundLeast => x * 1e-30f,
                Kind.Huge => x * 1e36f,
                Kind.Zero => random.Next(2) == 0 ? 0f : -0f,
                Kind.Bits => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)),
                _ => x,
            };
        }

        ref var some = ref group[random.Next(Group)];
        some = one switch
        {
            Kind.Halves => 127f,
            Kind.Outlier => some * 1000f,
            Kind.NotANumber => random.Next(2) == 0 ? float.NaN : -float.NaN,
            Kind.Infinite => random.Next(2) == 0 ? float.PositiveInfinity : float.NegativeInfinity,
            Kind.Largest => random.Next(2) == 0 ? float.MaxValue : float.MinValue,
            _ => some,
        };
    }

    private enum Kind { Ordinary, Halves, Outlier, Tiny, AroundLeast, Huge, Zero, Bits, NotANumber, Infinite, Largest, Mixed }

    private sealed class Rounded(int tokens, int columns, int block)
    {
        public readonly sbyte[] Codes = new sbyte[tokens * columns];
        public readonly float[] Scales = new float[tokens * columns / block];
        public readonly byte[] Factors = new byte[tokens * columns / Group];
        public readonly short[] Sums = new short[tokens * columns / 16];

        public void RoundBlock(float[] x, int first)
        {
            var most = Largest(x.AsSpan(first, block));
            var steps = block == Group ? 1 : 16;
            Scales[first / block] = float.IsFinite(most) ? most / (127 * steps) : float.NaN;
            for (var g = 0; g < block / Group; g++)
            {
                var group = x.AsSpan(first + (g * Group), Group);
                var isZero = !float.IsFinite(most) || most < 1e-30f;
                var factor = isZero ? 1 : Math.Clamp((int)MathF.Ceiling(Largest(group) * (steps / most)), 1, steps);
                Factors[(first / Group) + g] = (byte)factor;
                for (var i = 0; i < Group; i++)
                {
                    var code = isZero ? 0 : (int)MathF.Round(group[i] * (127 * steps / most / factor), MidpointRounding.ToEven);
                    Codes[first + (g * Group) + i] = checked((sbyte)code);
                    Sums[(first / 16) + (i / 16 * (block / Group)) + g] += (short)(factor * code);
                }
            }
        }

        private static float Largest(ReadOnlySpan<float> numbers)
        {
            var largest = 0f;
            foreach (var number in numbers) largest = float.IsNaN(number) ? number : Math.Max(largest, Math.Abs(number));
            return largest;
        }
    }
}
