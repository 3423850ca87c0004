using FalconMamba.Kernels.Assembled;

namespace FalconMamba.Kernels;

/// <summary>Where a kernel finds activations of eight bits, a row a token.</summary>
internal unsafe struct QuantizedRows
{
    /// <summary>Codes [tokens, columns], −127 to 127.</summary>
    public byte* Codes;

    /// <summary>Scales [tokens, columns / block].</summary>
    public float* Scales;

    /// <summary>Whole numbers that the scale of a block is multiplied with [tokens, columns / 32].</summary>
    public byte* Factors;

    /// <summary>
    /// Sums of each sixteen codes times their factor [tokens, columns / 16]: in each block those of the groups' first halves,
    /// then those of their last halves.
    /// </summary>
    public short* Sums;

    /// <summary>The width of a row, and of a block: 32 or 256.</summary>
    public int Columns, Block;

    /// <summary>The same from another row on.</summary>
    public readonly QuantizedRows From(int row) => this with
    {
        Codes = Codes + ((nint)row * Columns),
        Scales = Scales + ((nint)row * (Columns / Block)),
        Factors = Factors + ((nint)row * (Columns / ActivationQuantizer.Group)),
        Sums = Sums + ((nint)row * (Columns / 16)),
    };
}

/// <summary>Memory for the activations of one matrix product in eight bits, for rows up to a width.</summary>
internal sealed class QuantizedActivations : IDisposable
{
    private const int Group = ActivationQuantizer.Group;

    private readonly NativeBuffer _codes, _scales, _factors, _sums, _arranged;

    /// <summary>Room for <paramref name="rows"/> rows of up to <paramref name="columns"/> columns.</summary>
    public QuantizedActivations(int rows, int columns)
    {
        var groups = checked((columns + Group - 1) / Group * rows);
        _codes = new NativeBuffer(checked(groups * (Group / sizeof(float))));
        _scales = new NativeBuffer(groups);
        _factors = new NativeBuffer((groups + sizeof(float) - 1) / sizeof(float));
        _sums = new NativeBuffer(groups);
        _arranged = new NativeBuffer(checked((int)((ArrangedBytes(rows, columns) + sizeof(float) - 1) / sizeof(float))));
    }

    /// <summary>The bytes that so many rows of up to a width take.</summary>
    public static long ByteLength(int rows, int columns) =>
        (long)rows * ((columns + Group - 1) / Group) * (Group + sizeof(float) + sizeof(byte) + (2 * sizeof(short)))
        + ArrangedBytes(rows, columns);

    /// <summary>Rows of a width and block, once it is sure that they fit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They do not, or the block is neither of 32 nor of 256.</exception>
    public unsafe QuantizedRows Rows(int rows, int columns, int block)
    {
        if (block is not (Group or ActivationQuantizer.Stretch)) throw new ArgumentOutOfRangeException(nameof(block), block, "A block has 32 or 256 columns.");
        ArgumentOutOfRangeException.ThrowIfNotEqual(columns % block, 0, nameof(columns));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)rows * columns / sizeof(float), _codes.Length, nameof(rows));
        return new QuantizedRows
        {
            Codes = (byte*)_codes.Pointer,
            Scales = _scales.Pointer,
            Factors = (byte*)_factors.Pointer,
            Sums = (short*)_sums.Pointer,
            Columns = columns,
            Block = block,
        };
    }

    /// <summary>Room for rows as assembled kernels read them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They do not fit.</exception>
    public unsafe byte* Arranged(int rows, int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)rows * bytes / sizeof(float), _arranged.Length, nameof(rows));
        return (byte*)_arranged.Pointer;
    }

    // One row is read by a kernel of its own.
    private static long ArrangedBytes(int rows, int columns) => Math.Max(
        (long)Math.Min(rows, 1) * ArrangedActivations.MostBytes(columns),
        rows * Math.Max(FewTokensActivations.MostBytes(columns), (long)TileActivations.ByteLength(columns)));

    public void Dispose()
    {
        _codes.Dispose();
        _scales.Dispose();
        _factors.Dispose();
        _sums.Dispose();
        _arranged.Dispose();
    }
}
