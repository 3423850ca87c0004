using System.Runtime.Intrinsics;

namespace FalconMamba.Kernels.Lanes;

/// <summary>
/// Thirty-two bytes that a block format's product works on at once, in one of three meanings: codes of weights (unsigned) or
/// activations (signed); sixteen words, signed numbers of 16 bits; or the 32-bit sums that grow from them. All results are
/// exact integers, so the number of places a path keeps its sums in leaves no trace.
/// </summary>
internal interface IByteLanes<TSelf> where TSelf : unmanaged, IByteLanes<TSelf>
{
    /// <summary>Reads 32 bytes; no alignment is needed.</summary>
    static abstract TSelf Load(ref readonly byte source, int offset);

    /// <summary>Reads sixteen words.</summary>
    static abstract TSelf LoadWords(ref readonly short source);

    /// <summary>Reads 16 bytes: their low halves, then their high halves.</summary>
    static abstract TSelf LoadNibbles(ref readonly byte source);

    /// <summary>16 in byte i where bit i is set, else 0.</summary>
    static abstract TSelf LoadFifthBits(uint bits);

    /// <summary>Eight unsigned bytes, the lowest first, as words; then the same again.</summary>
    static abstract TSelf WidenTwice(ulong bytes);

    /// <summary>Sixteen signed bytes as words: those at even places, then those at odd ones.</summary>
    static abstract TSelf WidenEvenOdd(ref readonly byte source);

    /// <summary>Bitwise or.</summary>
    static abstract TSelf operator |(TSelf a, TSelf b);

    /// <summary>Every byte and the same mask.</summary>
    static abstract TSelf And(TSelf value, byte mask);

    /// <summary>Every byte shifted towards its low bits; bits of its neighbour may come in above.</summary>
    static abstract TSelf ShiftRight(TSelf value, int count);

    /// <summary>Every byte shifted towards its high bits; bits of its neighbour may come in below.</summary>
    static abstract TSelf ShiftLeft(TSelf value, int count);

    /// <summary>Sums of codes · x. Codes are at most 63.</summary>
    static abstract TSelf Multiply(TSelf codes, TSelf x);

    /// <summary>
    /// Adds codes · x to the sums, the first sixteen products times word <paramref name="run"/> of the scales' first eight, the
    /// last sixteen times that of their last eight. Codes are at most 63; sums wrap.
    /// </summary>
    static abstract TSelf MultiplyAdd(TSelf codes, TSelf x, TSelf scales, int run, TSelf sums);

    /// <summary>Sums of w · x where w is signed too, −128 to 127, and x is −127 to 127.</summary>
    static abstract TSelf MultiplySigned(TSelf w, TSelf x);

    /// <summary>Word by word the product, which fits a word.</summary>
    static abstract TSelf MultiplyWords(TSelf a, TSelf b);

    /// <summary>Sums of the products of words.</summary>
    static abstract TSelf SumWordProducts(TSelf a, TSelf b);

    /// <summary>The same word sixteen times.</summary>
    static abstract TSelf Words(short word);

    /// <summary>Sums and sums; they wrap.</summary>
    static abstract TSelf Add(TSelf a, TSelf b);

    /// <summary>Sums and one number; they wrap.</summary>
    static abstract TSelf Add(TSelf sums, int number);

    /// <summary>Writes sums to eight places, which are not all used.</summary>
    static abstract unsafe void Store(TSelf sums, int* destination);

    /// <summary>The totals of eight sums that were stored one behind the other.</summary>
    static abstract unsafe Vector256<int> Totals(int* sums);
}
