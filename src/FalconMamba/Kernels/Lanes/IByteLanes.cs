namespace FalconMamba.Kernels.Lanes;

/// <summary>
/// Thirty-two bytes that a block format's product works on at once, or the 32-bit sums that grow from them: codes of weights,
/// which are unsigned, and codes of activations, which are signed. All results are exact integers, so the number of lanes a
/// path keeps its sums in leaves no trace.
/// </summary>
internal interface IByteLanes<TSelf> where TSelf : unmanaged, IByteLanes<TSelf>
{
    /// <summary>Reads 32 bytes; no alignment is needed.</summary>
    static abstract TSelf Load(ref readonly byte source, int offset);

    /// <summary>Reads 16 bytes: their low halves, then their high halves.</summary>
    static abstract TSelf LoadNibbles(ref readonly byte source);

    /// <summary>16 in byte i where bit i is set, else 0.</summary>
    static abstract TSelf LoadFifthBits(uint bits);

    /// <summary>Bitwise or.</summary>
    static abstract TSelf operator |(TSelf a, TSelf b);

    /// <summary>Every byte and the same mask.</summary>
    static abstract TSelf And(TSelf value, byte mask);

    /// <summary>Every byte shifted towards its low bits, zeros from above.</summary>
    static abstract TSelf ShiftRight(TSelf value, int count);

    /// <summary>Every byte shifted towards its high bits, zeros from below.</summary>
    static abstract TSelf ShiftLeft(TSelf value, int count);

    /// <summary>
    /// Adds codes · x to the sums, the first sixteen products times one scale, the last sixteen times another. Codes are at
    /// most 63, scales of eight bits.
    /// </summary>
    static abstract TSelf MultiplyAdd(TSelf codes, TSelf x, int firstScale, int lastScale, TSelf sums);

    /// <summary>Sums of w · x where w is signed too, −128 to 127, and x is −127 to 127.</summary>
    static abstract TSelf MultiplySigned(TSelf w, TSelf x);

    /// <summary>The total of sums.</summary>
    static abstract int Sum(TSelf sums);
}
