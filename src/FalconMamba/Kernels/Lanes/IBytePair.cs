namespace FalconMamba.Kernels.Lanes;

/// <summary>
/// Two times thirty-two bytes that a block format works on at once: one 512-bit register, or two of
/// <typeparamref name="TBytes"/>. Codes and sums mean what they mean there.
/// </summary>
internal interface IBytePair<TSelf, TBytes>
    where TSelf : unmanaged, IBytePair<TSelf, TBytes>
    where TBytes : unmanaged, IByteLanes<TBytes>
{
    /// <summary>Reads 64 bytes.</summary>
    static abstract TSelf Load(ref readonly byte source, int offset);

    /// <summary>Reads 32 bytes for each half.</summary>
    static abstract TSelf LoadTwice(ref readonly byte source, int offset);

    /// <summary>The same thirty-two bytes in both halves.</summary>
    static abstract TSelf Twice(TBytes bytes);

    /// <summary>Bitwise or.</summary>
    static abstract TSelf operator |(TSelf a, TSelf b);

    /// <summary>Every byte and the same mask.</summary>
    static abstract TSelf And(TSelf value, byte mask);

    /// <summary>The bytes of each half shifted towards their low bits by a count of its own; bits of a byte's neighbour may come in above.</summary>
    static abstract TSelf ShiftRight(TSelf value, int first, int last);

    /// <summary>The bytes of each half shifted towards their high bits by a count of its own; bits of a byte's neighbour may come in below.</summary>
    static abstract TSelf ShiftLeft(TSelf value, int first, int last);

    /// <summary>
    /// Adds codes · x to the sums as <see cref="IByteLanes{TSelf}.MultiplyAdd"/> does, the first half with word
    /// <paramref name="run"/> of the scales, the last half with the next.
    /// </summary>
    static abstract TSelf MultiplyAdd(TSelf codes, TSelf x, TSelf scales, int run, TSelf sums);

    /// <summary>The sums of both halves.</summary>
    static abstract TBytes Fold(TSelf sums);
}
