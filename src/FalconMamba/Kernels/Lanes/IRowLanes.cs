namespace FalconMamba.Kernels.Lanes;

/// <summary>
/// Sixteen rows of a <see cref="WeightPanel"/> that a tile works on at once, a number of 32 bits each, in one of three meanings:
/// four codes of weights, or the same four activations for all rows; pairs of words; whole numbers. Products of codes are
/// added up in a form of the path's own, which <see cref="Fold"/> turns into whole numbers. All results are exact.
/// </summary>
internal unsafe interface IRowLanes<TSelf, T>
    where TSelf : unmanaged, IRowLanes<TSelf, T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>Whether codes of eight bits are multiplied as signed numbers, 128 lower.</summary>
    static abstract bool SignsBytes { get; }

    /// <summary>
    /// How often <see cref="MultiplyAdd"/> may be called before sums have to be folded: eight times, four, two, or never, which
    /// means that such codes have to be cut in halves.
    /// </summary>
    /// <param name="mostCode">The largest code: 15, 31, 63 or 255.</param>
    static abstract int Steps(int mostCode);

    /// <summary>Reads a number of each row.</summary>
    static abstract TSelf Load(byte* source);

    /// <summary>Writes a number of each row.</summary>
    static abstract void Store(TSelf value, byte* destination);

    /// <summary>The four bytes at a place, for every row.</summary>
    static abstract TSelf Broadcast(byte* source);

    /// <summary>Every byte and the same mask.</summary>
    static abstract TSelf And(TSelf value, byte mask);

    /// <summary>Every byte without, or with, its top bit, whichever it had not.</summary>
    static abstract TSelf TurnTopBits(TSelf value);

    /// <summary>Every number shifted towards its low bits; zeros come in above.</summary>
    static abstract TSelf ShiftRight(TSelf value, int count);

    /// <summary>Every number shifted towards its high bits.</summary>
    static abstract TSelf ShiftLeft(TSelf value, int count);

    /// <summary>a − b.</summary>
    static abstract TSelf operator -(TSelf a, TSelf b);

    /// <summary>Adds codes · x of four columns to sums that are to be folded.</summary>
    static abstract TSelf MultiplyAdd(TSelf sums, TSelf codes, TSelf x);

    /// <summary>Adds the products of a pair of words to whole numbers.</summary>
    static abstract TSelf AddPairs(TSelf totals, TSelf a, TSelf b);

    /// <summary>Scales of groups, whole numbers of eight bits, as <see cref="Fold"/> takes them: times the factor at a place.</summary>
    static abstract TSelf Scales(TSelf scales, byte* factor);

    /// <summary>The same scale for every row.</summary>
    static abstract TSelf Scale(short scale);

    /// <summary>Adds sums · scales to whole numbers.</summary>
    static abstract TSelf Fold(TSelf totals, TSelf sums, TSelf scales);

    /// <summary>The nearest floats.</summary>
    static abstract T ToFloats(TSelf value);

    /// <summary>Writes eight rows of eight numbers, one behind the other, as eight columns, <see cref="WeightPanel.RowBytes"/> apart.</summary>
    static abstract void Transpose(int* rows, byte* columns);
}
