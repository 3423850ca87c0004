using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FalconMamba.Formats;

namespace FalconMamba.Kernels.Assembled;

/// <summary>
/// The activations of some tokens as a <see cref="FewTokensKernel"/> reads them: for each block a part a token, and behind
/// them the scales of each two tokens [4, 2 tokens, twice the same].
/// </summary>
/// <remarks>
/// A part: codes [256]; factors as words: of each group, for Q5_K twice, for Q6_K of each 32 columns twice, four of them in the
/// order 0, 2, 1, 3. Q4_K and Q5_K: of each group half its sum as a word, rounded down, and what is left of it, 0 or 1, as a
/// byte. Q6_K: minus 32 times the sums of eight columns of each group as integers [16, 2]: columns 0 to 3 and 8 to 11, columns 4
/// to 7 and 12 to 15.
/// </remarks>
internal readonly unsafe struct FewTokensActivations
{
    /// <summary>Where in a part factors and sums begin.</summary>
    public const int Factors = 256, Sums = Factors + 32;

    /// <summary>Where in a part of Q4_K or Q5_K the sums' remainders begin.</summary>
    public const int Odd = Sums + (Groups * sizeof(short));

    private const int Groups = 8, Columns = 256, Group = ActivationQuantizer.Group, VectorFloats = 16;

    private readonly TensorType _type;

    private FewTokensActivations(TensorType type) => _type = type;

    /// <summary>The bytes of a token's part of a block.</summary>
    public int PartBytes => Sums + (_type == TensorType.Q6_K ? 128 : 32);

    /// <summary>The layout for weights of a type.</summary>
    public static FewTokensActivations Of(TensorType type) => new(type);

    /// <summary>The bytes that a token of up to a width takes at most, whatever the format and its company.</summary>
    public static int MostBytes(int columns) => checked((columns + Columns - 1) / Columns * Of(TensorType.Q6_K).BlockBytes(1));

    /// <summary>The bytes of a block.</summary>
    public int BlockBytes(int tokens) => (tokens * PartBytes) + ((tokens + 1) / 2 * VectorFloats * sizeof(float));

    /// <summary>Lays out some tokens.</summary>
    /// <param name="x">The first of them.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="destination">Room for <see cref="BlockBytes"/> a block.</param>
    public void Arrange(in QuantizedRows x, int tokens, byte* destination)
    {
        for (var block = 0; block < x.Columns / Columns; block++, destination += BlockBytes(tokens)) Arrange(in x, tokens, block, destination);
    }

    /// <summary>Lays out a block of some tokens.</summary>
    public void Arrange(in QuantizedRows x, int tokens, int block, byte* destination)
    {
        for (var token = 0; token < tokens; token++) ArrangePart(x.From(token), block, destination + (token * PartBytes));
        var scales = (float*)(destination + (tokens * PartBytes));
        for (var two = 0; two < tokens; two += 2, scales += VectorFloats)
        {
            float first = x.From(two).Scales[block], second = x.From(Math.Min(tokens - 1, two + 1)).Scales[block];
            for (var i = 0; i < VectorFloats; i += 4) Vector128.Create(first, first, second, second).Store(scales + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ArrangePart(in QuantizedRows row, int block, byte* part)
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
