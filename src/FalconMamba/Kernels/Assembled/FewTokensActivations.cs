using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FalconMamba.Formats;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// The activations of some tokens as a <see cref="FewTokensKernel"/> reads them: for each block a part a token, and behind
/// them what each two tokens have together.
/// </summary>
/// <remarks>
/// A part of 256 columns: codes; factors as words: of each group, for Q5_K twice, for Q6_K of each 32 columns twice, four of them
/// in the order 0, 2, 1, 3. Q4_K and Q5_K: of each group half its sum as a word, rounded down, and what is left of it, 0 or 1, as
/// a byte. Q6_K: minus 32 times the sums of eight columns of each group as integers [16, 2]: columns 0 to 3 and 8 to 11, columns 4
/// to 7 and 12 to 15. A part of 32 columns: for panels codes that are 128 higher; else codes, and where weights have no minimum
/// minus their sum times what the weights' codes are too high by, and zero. Two tokens together: their scales [twos, 2]; where
/// blocks are short and have a minimum, minus their sums as floats [twos, 2].
/// </remarks>
internal readonly unsafe struct FewTokensActivations
{
    /// <summary>Where in a part of 256 columns factors and sums begin.</summary>
    public const int Factors = 256, Sums = Factors + 32;

    /// <summary>Where in a part of Q4_K or Q5_K the sums' remainders begin.</summary>
    public const int Odd = Sums + (Groups * sizeof(short));

    /// <summary>Where in a part of 32 columns that is which its sums begin with.</summary>
    public const int Start = Group;

    /// <summary>The bytes of two numbers, one a token.</summary>
    public const int TwoBytes = 2 * sizeof(float);

    private const int Groups = 8, Columns = 256, Group = ActivationQuantizer.Group;

    private readonly TensorType _type;
    private readonly bool _isOfPanels;

    private FewTokensActivations(TensorType type, bool isOfPanels) => (_type, _isOfPanels) = (type, isOfPanels);

    /// <summary>The bytes of a token's part of a block.</summary>
    public int PartBytes => _type switch
    {
        TensorType.Q6_K => Sums + 128,
        TensorType.Q4_K or TensorType.Q5_K => Sums + 32,
        _ => HasStarts ? Group + sizeof(long) : Group,
    };

    /// <summary>The blocks that a panel has of a row.</summary>
    public int PanelBlocks => Columns / Length;

    private int Length => _type.Info().BlockLength;

    private bool HasStarts => !HasNegativeSums && !_isOfPanels;

    private bool HasNegativeSums => _type is TensorType.Q4_1 or TensorType.Q5_1;

    /// <summary>The layout for weights of a type.</summary>
    /// <param name="type">The block format.</param>
    /// <param name="isOfPanels">Whether they pass a panel.</param>
    public static FewTokensActivations Of(TensorType type, bool isOfPanels) => new(type, isOfPanels);

    /// <summary>The bytes that a token of up to a width takes at most, whatever the format and its company.</summary>
    public static int MostBytes(int columns) => checked((columns + Columns - 1) / Columns * Of(TensorType.Q6_K, isOfPanels: true).BlockBytes(1));

    /// <summary>Where in a block begins what two tokens have together.</summary>
    public int TwosPlace(int tokens) => tokens * PartBytes;

    /// <summary>Where the sums lie from the scales of the first two tokens on.</summary>
    public static int NegativeSumsPlace(int tokens) => (tokens + 1) / 2 * TwoBytes;

    /// <summary>The bytes of a block.</summary>
    public int BlockBytes(int tokens) => TwosPlace(tokens) + ((HasNegativeSums ? 2 : 1) * NegativeSumsPlace(tokens));

    /// <summary>The bytes of a panel's blocks.</summary>
    public int PanelBytes(int tokens) => PanelBlocks * BlockBytes(tokens);

    /// <summary>Lays out some tokens.</summary>
    /// <param name="x">The first of them.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="destination">Room for <see cref="BlockBytes"/> a block.</param>
    public void Arrange(in QuantizedRows x, int tokens, byte* destination) => Arrange(in x, tokens, 0, x.Columns / x.Block, destination);

    /// <summary>Lays out some blocks of some tokens.</summary>
    /// <param name="x">The first token.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="first">The first block.</param>
    /// <param name="end">The one behind the last.</param>
    /// <param name="destination">Room for <see cref="BlockBytes"/> a block.</param>
    public void Arrange(in QuantizedRows x, int tokens, int first, int end, byte* destination)
    {
        var distance = BlockBytes(tokens);
        for (var token = 0; token < tokens; token++)
        {
            var row = x.From(token);
            var part = destination + (token * PartBytes);
            var number = destination + TwosPlace(tokens) + (token * sizeof(float));
            if (x.Block == Columns) ArrangeLong(row, first, end, part, distance);
            else ArrangeShort(row, first, end, part, HasNegativeSums ? number + NegativeSumsPlace(tokens) : null, distance);
            for (var block = first; block < end; block++, number += distance) *(float*)number = row.Scales[block];
        }

        // The last of an odd number stands in for the one that is missing.
        if (tokens % 2 == 0) return;
        var last = destination + TwosPlace(tokens) + ((tokens - 1) * sizeof(float));
        for (var block = first; block < end; block++, last += distance)
        {
            ((float*)last)[1] = *(float*)last;
            if (HasNegativeSums) ((float*)(last + NegativeSumsPlace(tokens)))[1] = *(float*)(last + NegativeSumsPlace(tokens));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ArrangeShort(in QuantizedRows row, int first, int end, byte* part, byte* negative, int distance)
    {
        var higher = Vector256.Create(_isOfPanels ? (byte)128 : (byte)0);
        var (hasStarts, offset) = (HasStarts, Offset);
        for (var block = first; block < end; block++, part += distance)
        {
            (Vector256.Load(row.Codes + (block * Group)) ^ higher).Store(part);
            var sum = row.Sums[2 * block] + row.Sums[(2 * block) + 1];
            if (hasStarts) *(long*)(part + Start) = (uint)(-offset * sum);
            if (negative is null) continue;
            *(float*)negative = -sum;
            negative += distance;
        }
    }

    // What codes are too high by.
    private int Offset => _type switch
    {
        TensorType.Q8_0 => 128,
        TensorType.Q5_0 => 16,
        _ => 8,
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ArrangeLong(in QuantizedRows row, int first, int end, byte* part, int distance)
    {
        for (var block = first; block < end; block++, part += distance) ArrangeLong(in row, block, part);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ArrangeLong(in QuantizedRows row, int block, byte* part)
    {
        var codes = row.Codes + (block * Columns);
        for (var i = 0; i < Columns; i += Group) Vector256.Load(codes + i).Store(part + i);
        var factors = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)(row.Factors + (block * Groups))).AsByte());
        if (_type == TensorType.Q4_K) factors.Store((ushort*)(part + Factors));
        else StoreTwice(factors, _type == TensorType.Q5_K ? Vector128.Create(0u, 1, 2, 3) : Vector128.Create(0u, 2, 1, 3), (uint*)(part + Factors));
        if (_type != TensorType.Q6_K)
        {
            var sums = row.Sums + (block * 2 * Groups);
            var (first, last) = (Vector128.Load(sums), Vector128.Load(sums + Groups));
            var differing = first ^ last;
            ((first & last) + (differing >> 1)).Store((short*)(part + Sums));
            var odd = differing & Vector128<short>.One;
            Vector128.Narrow(odd, odd).GetLower().Store((sbyte*)(part + Odd));
            return;
        }

        var ofCodes = (int*)(part + Sums);
        for (var column = 0; column < Columns; column += 16, ofCodes += 2)
            (ofCodes[0], ofCodes[1]) = (-32 * (SumOfFour(codes + column) + SumOfFour(codes + column + 8)), -32 * (SumOfFour(codes + column + 4) + SumOfFour(codes + column + 12)));
    }

    // Of four and four, in an order.
    private static void StoreTwice(Vector128<ushort> factors, Vector128<uint> order, uint* destination)
    {
        Vector128.Shuffle(Vector128.WidenLower(factors) * 0x10001u, order).Store(destination);
        Vector128.Shuffle(Vector128.WidenUpper(factors) * 0x10001u, order).Store(destination + 4);
    }

    private static int SumOfFour(byte* codes) => (sbyte)codes[0] + (sbyte)codes[1] + (sbyte)codes[2] + (sbyte)codes[3];
}
