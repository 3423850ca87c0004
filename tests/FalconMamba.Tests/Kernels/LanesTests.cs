using FalconMamba.Kernels.Lanes;

namespace FalconMamba.Tests.Kernels;

public unsafe class LanesTests
{
    [Fact]
    public void Every_half_is_read_as_its_float()
    {
        CheckHalves<Lanes512>();
        CheckHalves<Lanes256>();
        CheckHalves<Lanes128>();
        CheckHalves<LanesGeneric>();
    }

    [Fact]
    public void Every_bfloat16_is_the_upper_half_of_a_float()
    {
        CheckBFloats<Lanes512>();
        CheckBFloats<Lanes256>();
        CheckBFloats<Lanes128>();
        CheckBFloats<LanesGeneric>();
    }

    [Fact]
    public void Exp2_is_within_two_roundings_and_exact_at_zero()
    {
        var error = 0.0;
        for (var v = -125f; v <= 126f; v += 0.00731f) error = Math.Max(error, Math.Abs((Map(v, LanesMath.Exp2) / Math.Pow(2, v)) - 1));
        Assert.InRange(error, 0, 1.2e-7);
        Assert.Equal(1f, Map(0f, LanesMath.Exp2));
        Assert.InRange(Map(-1000f, LanesMath.Exp2), 0, 3e-38f);
        Assert.True(float.IsNaN(Map(float.NaN, LanesMath.Exp2)));
    }

    [Fact]
    public void Softplus_keeps_its_relative_error_where_it_is_tiny()
    {
        var error = 0.0;
        for (var v = -80f; v <= 80f; v += 0.00531f)
        {
            var expected = Softplus(v);
            error = Math.Max(error, Math.Abs((Map(v, LanesMath.Softplus) / expected) - 1));
        }

        // e^−80 through log₂e loses |x|·2⁻²⁴; dt is never that small in a model.
        Assert.InRange(error, 0, 6e-6);
        for (var v = -8f; v <= 30f; v += 0.01f)
        {
            var expected = Softplus(v);
            Assert.Equal(1, Map(v, LanesMath.Softplus) / expected, 7e-7);
        }
    }

    [Fact]
    public void Silu_follows_its_definition_and_dies_out_far_below_zero()
    {
        for (var v = -60f; v <= 60f; v += 0.0173f)
            Assert.Equal(v / (1 + Math.Exp(-(double)v)), Map(v, LanesMath.Silu), Math.Max(1e-9, Math.Abs(v) * 2e-7));
        Assert.Equal(0f, Map(-1e6f, LanesMath.Silu), 1e-30f);
    }

    [Fact]
    public void Exp2_has_no_bias_where_a_slow_channel_decays()
    {
        var (sum, count) = (0.0, 0);
        for (var v = -0.03f; v < 0; v += 1.7e-7f, count++) sum += (Map(v, LanesMath.Exp2) / Math.Pow(2, v)) - 1;
        Assert.InRange(sum / count, -2e-9, 2e-9);
    }

    [Fact]
    public void Functions_have_the_same_bits_on_every_width()
    {
        foreach (var special in (float[])[0f, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.MinValue, float.Epsilon, 1 / 32f, 3 / 32f, -1 / 32f, -3 / 32f])
            CheckFunctions(special, 0);
        for (var v = -140f; v < 130f; v += 0.613f) CheckFunctions(v, 0.0377f);
    }

    [Fact]
    public void The_sum_is_the_same_tree_on_every_width()
    {
        var random = new Random(7);
        var values = stackalloc float[16];
        for (var round = 0; round < 1000; round++)
        {
            for (var i = 0; i < 16; i++) values[i] = (random.NextSingle() - 0.5f) * MathF.Pow(10, random.Next(-6, 6));
            var expected = LanesGeneric.Sum(LanesGeneric.Load(values));
            Assert.Equal(expected, Lanes128.Sum(Lanes128.Load(values)));
            Assert.Equal(expected, Lanes256.Sum(Lanes256.Load(values)));
            Assert.Equal(expected, Lanes512.Sum(Lanes512.Load(values)));
        }
    }

    private static void CheckFunctions(float first, float step)
    {
        var source = stackalloc float[16];
        for (var i = 0; i < 16; i++) source[i] = first + (i * step);
        // Beyond 126 a power is not asked for.
        if (first + (15 * step) <= 126) Assert.All(Every(LanesMath.Exp2, LanesMath.Exp2, LanesMath.Exp2), x => Assert.Equal(Apply<LanesGeneric>(LanesMath.Exp2), x));
        Assert.All(Every(LanesMath.Softplus, LanesMath.Softplus, LanesMath.Softplus), x => Assert.Equal(Apply<LanesGeneric>(LanesMath.Softplus), x));
        Assert.All(Every(LanesMath.Silu, LanesMath.Silu, LanesMath.Silu), x => Assert.Equal(Apply<LanesGeneric>(LanesMath.Silu), x));

        float[][] Every(Func<Lanes512, Lanes512> wide, Func<Lanes256, Lanes256> middle, Func<Lanes128, Lanes128> narrow) =>
            [Apply(wide), Apply(middle), Apply(narrow)];

        float[] Apply<T>(Func<T, T> function) where T : unmanaged, ILanes<T>
        {
            var result = new float[16];
            fixed (float* destination = result) T.Store(function(T.Load(source)), destination);
            return result;
        }
    }

    private static double Softplus(double x)
    {
        var t = Math.Exp(-Math.Abs(x));
        var u = 1 + t;
        return Math.Max(x, 0) + (u == 1 ? t : Math.Log(u) * t / (u - 1));
    }

    private static float Map(float x, Func<LanesGeneric, LanesGeneric> function)
    {
        var lanes = stackalloc float[16];
        LanesGeneric.Store(function(LanesGeneric.Broadcast(x)), lanes);
        return lanes[3];
    }

    private static void CheckHalves<T>() where T : unmanaged, ILanes<T>
    {
        var source = stackalloc ushort[16];
        var lanes = stackalloc float[16];
        for (var first = 0; first < 65536; first += 16)
        {
            for (var i = 0; i < 16; i++) source[i] = (ushort)(first + i);
            T.Store(T.LoadHalf(source), lanes);
            for (var i = 0; i < 16; i++)
            {
                var expected = (float)BitConverter.UInt16BitsToHalf(source[i]);
                Assert.True(expected.Equals(lanes[i]) && float.IsNegative(expected) == float.IsNegative(lanes[i]), $"{typeof(T).Name}: {source[i]:X4}");
            }
        }
    }

    private static void CheckBFloats<T>() where T : unmanaged, ILanes<T>
    {
        var source = stackalloc ushort[16];
        var lanes = stackalloc float[16];
        for (var first = 0; first < 65536; first += 16)
        {
            for (var i = 0; i < 16; i++) source[i] = (ushort)(first + i);
            T.Store(T.LoadBFloat16(source), lanes);
            for (var i = 0; i < 16; i++) Assert.Equal((uint)source[i] << 16, BitConverter.SingleToUInt32Bits(lanes[i]));
        }
    }
}
