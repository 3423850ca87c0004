namespace FalconMamba.Kernels.Lanes;

/// <summary>
/// Sixteen float32 numbers that a kernel works on at once. Every kernel is written once over this interface; the
/// instruction set only decides how the sixteen are held (one 512-bit register, two of 256, four of 128, or sixteen
/// plain floats, the generic twin). Since the number of lanes, the fused multiply-adds and the final tree are the same
/// everywhere, every path gives the same bits.
/// </summary>
internal unsafe interface ILanes<TSelf> where TSelf : unmanaged, ILanes<TSelf>
{
    /// <summary>Reads sixteen floats; no alignment is needed.</summary>
    static abstract TSelf Load(float* source);

    /// <summary>Reads sixteen bfloat16 values: the upper halves of float32.</summary>
    static abstract TSelf LoadBFloat16(ushort* source);

    /// <summary>Reads sixteen IEEE half-precision values, subnormals, infinities and NaN included.</summary>
    static abstract TSelf LoadHalf(ushort* source);

    /// <summary>Writes sixteen floats.</summary>
    static abstract void Store(TSelf value, float* destination);

    /// <summary>The same number in every lane.</summary>
    static abstract TSelf Broadcast(float value);

    /// <summary>a + b.</summary>
    static abstract TSelf operator +(TSelf a, TSelf b);

    /// <summary>a − b.</summary>
    static abstract TSelf operator -(TSelf a, TSelf b);

    /// <summary>a · b.</summary>
    static abstract TSelf operator *(TSelf a, TSelf b);

    /// <summary>a / b.</summary>
    static abstract TSelf operator /(TSelf a, TSelf b);

    /// <summary>a · b + c with one rounding.</summary>
    static abstract TSelf FusedMultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>The larger of the two; <paramref name="value"/> where it is NaN.</summary>
    static abstract TSelf AtLeast(TSelf bound, TSelf value);

    /// <summary>The smaller of the two; <paramref name="value"/> where it is NaN.</summary>
    static abstract TSelf AtMost(TSelf bound, TSelf value);

    /// <summary>The absolute value.</summary>
    static abstract TSelf Abs(TSelf value);

    /// <summary>2^(n/16), rounded, where n are the low bits of <paramref name="power"/>'s significand: power = n/16 + 1.5·2¹⁹.</summary>
    static abstract TSelf PowerOfTwo(TSelf power);

    /// <summary>The sum of the lanes as the fixed tree (8+8, 4+4, 2+2, 1+1).</summary>
    static abstract float Sum(TSelf value);
}
