using System.Runtime.InteropServices;
using FalconMamba.Formats;
using FalconMamba.Generation;

namespace FalconMamba.Quantization;

/// <summary>
/// Blocks of random weights of mean 0 and a wanted deviation: some bits of a block are drawn, the rest is the same in every
/// one. The codes are drawn whole, so weights are uniform, not normal.
/// </summary>
/// <remarks>
/// Where codes are not symmetric, the sign of a scale is drawn too, or the minimum is the codes' mean: a mean of a tenth of
/// the deviation would already outweigh the random part in a product as wide as a model's.
/// </remarks>
internal sealed class RandomBlocks
{
    // So many blocks are whole words and whole draws, whatever their length.
    private const int BlocksAGroup = 16;
    private const int WordsADraw = 2;

    private const byte Drawn = 0xFF;
    private static readonly HalfScale DrawnSign = new(Half.NegativeZero);

    private readonly ulong[] _drawn, _fixed;
    private readonly int _blockBytes;

    private RandomBlocks(ReadOnlySpan<byte> drawn, ReadOnlySpan<byte> fixedBits)
    {
        _blockBytes = drawn.Length;
        _drawn = Repeat(drawn);
        _fixed = Repeat(fixedBits);
    }

    /// <summary>The blocks of a type.</summary>
    /// <param name="type">One that a <see cref="QuantizationMix"/> chooses.</param>
    /// <param name="deviation">The standard deviation of the weights.</param>
    /// <exception cref="ArgumentException">There are no random blocks of this type.</exception>
    public static RandomBlocks Of(TensorType type, double deviation) => type switch
    {
        TensorType.Q4_0 => Of(Filled<Q4_0>(Drawn) with { Scale = DrawnSign }, new Q4_0 { Scale = Scale(deviation, Spread(16)) }),
        TensorType.Q5_0 => Of(Filled<Q5_0>(Drawn) with { Scale = DrawnSign }, new Q5_0 { Scale = Scale(deviation, Spread(32)) }),
        TensorType.Q5_1 => Of(
            Filled<Q5_1>(Drawn) with { Scale = default, Minimum = default },
            new Q5_1 { Scale = Scale(deviation, Spread(32)), Minimum = Scale(deviation, Spread(32) / -15.5) }),

        // Odd codes are as many above 0 as below, and never −128.
        TensorType.Q8_0 => Of(Filled<Q8_0>(Drawn - 1) with { Scale = default }, Filled<Q8_0>(1) with { Scale = Scale(deviation, 2 * Spread(128)) }),

        // 8 · 7.5 is 60, and 4 · 15.5 is 62: a scale times the codes' mean.
        TensorType.Q4_K => Of(
            Filled<Q4_K>(Drawn) with { Scale = default, MinimumScale = default, Groups = default },
            new Q4_K { Scale = Scale(deviation, 8 * Spread(16)), MinimumScale = Scale(deviation, 8 * Spread(16)), Groups = new(8, 60) }),
        TensorType.Q5_K => Of(
            Filled<Q5_K>(Drawn) with { Scale = default, MinimumScale = default, Groups = default },
            new Q5_K { Scale = Scale(deviation, 4 * Spread(32)), MinimumScale = Scale(deviation, 4 * Spread(32)), Groups = new(4, 62) }),

        // With the upper bit drawn, a group's scale is 64 or −64.
        TensorType.Q6_K => Of(
            Filled<Q6_K>(Drawn) with { Scale = default, Groups = Filled<Bytes16>(0x80) },
            new Q6_K { Scale = Scale(deviation, 64 * Spread(64)), Groups = Filled<Bytes16>(0x40) }),
        _ => throw new ArgumentException($"There are no random blocks of {type}.", nameof(type)),
    };

    /// <summary>Fills with blocks, each a function of seed, stream and place.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="stream">Which of many independent sequences of blocks.</param>
    /// <param name="first">The place of the first block, a multiple of 16.</param>
    /// <param name="destination">Whole blocks.</param>
    public void Fill(ulong seed, ulong stream, long first, Span<byte> destination)
    {
        Span<ulong> group = stackalloc ulong[_drawn.Length];
        var place = (ulong)(first / BlocksAGroup) * (ulong)(_drawn.Length / WordsADraw);
        for (; !destination.IsEmpty; destination = destination[Math.Min(destination.Length, BlocksAGroup * _blockBytes)..])
        {
            for (var i = 0; i < group.Length; i += WordsADraw)
            {
                var (x0, x1, x2, x3) = Philox.Block(((uint)place, (uint)(place >> 32), (uint)stream, (uint)(stream >> 32)), ((uint)seed, (uint)(seed >> 32)));
                group[i] = (((ulong)x1 << 32 | x0) & _drawn[i]) | _fixed[i];
                group[i + 1] = (((ulong)x3 << 32 | x2) & _drawn[i + 1]) | _fixed[i + 1];
                place++;
            }

            var bytes = MemoryMarshal.AsBytes(group);
            bytes[..Math.Min(bytes.Length, destination.Length)].CopyTo(destination);
        }
    }

    private static T Filled<T>(byte value) where T : unmanaged
    {
        var filled = default(T);
        MemoryMarshal.AsBytes(new Span<T>(ref filled)).Fill(value);
        return filled;
    }

    private static RandomBlocks Of<TBlock>(TBlock drawn, TBlock rest) where TBlock : unmanaged, IBlockFormat<TBlock> =>
        new(MemoryMarshal.AsBytes(new ReadOnlySpan<TBlock>(in drawn)), MemoryMarshal.AsBytes(new ReadOnlySpan<TBlock>(in rest)));

    // The standard deviation of a whole number that is one of so many in a row.
    private static double Spread(int codes) => Math.Sqrt(((double)codes * codes - 1) / 12);

    private static HalfScale Scale(double deviation, double spread) => new((Half)(deviation / spread));

    private static ulong[] Repeat(ReadOnlySpan<byte> block)
    {
        var words = new ulong[BlocksAGroup * block.Length / sizeof(ulong)];
        for (var i = 0; i < BlocksAGroup; i++) block.CopyTo(MemoryMarshal.AsBytes(words.AsSpan())[(i * block.Length)..]);
        return words;
    }
}
