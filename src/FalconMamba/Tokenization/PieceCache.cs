namespace FalconMamba.Tokenization;

/// <summary>
/// Remembers how pieces were merged; words recur. Every piece has one place, so the cache is bounded, a newer piece takes
/// the place of an older one, and threads share it without locks: an entry is never changed, only replaced.
/// </summary>
internal sealed class PieceCache
{
    /// <summary>Longer pieces are not kept: they hardly recur.</summary>
    public const int MaxLength = 48;

    private const int Bits = 15;

    private readonly Entry?[] _entries = new Entry?[1 << Bits];

    private sealed record Entry(string Piece, BytePairSymbol[] Symbols);

    /// <summary>The symbols of a piece, if they are known.</summary>
    public bool TryGet(ReadOnlySpan<char> piece, out ReadOnlySpan<BytePairSymbol> symbols)
    {
        var entry = Volatile.Read(ref _entries[PlaceOf(piece)]);
        var found = entry is not null && piece.SequenceEqual(entry.Piece);
        symbols = found ? entry!.Symbols : [];
        return found;
    }

    /// <summary>Keeps the symbols of a piece.</summary>
    public void Add(ReadOnlySpan<char> piece, ReadOnlySpan<BytePairSymbol> symbols) =>
        Volatile.Write(ref _entries[PlaceOf(piece)], new Entry(piece.ToString(), symbols.ToArray()));

    private static int PlaceOf(ReadOnlySpan<char> piece)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var c in piece) hash = (hash ^ c) * 0x9E3779B97F4A7C15UL;
        return (int)(hash >> (64 - Bits));
    }
}
