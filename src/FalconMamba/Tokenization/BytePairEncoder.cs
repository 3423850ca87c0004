namespace FalconMamba.Tokenization;

/// <summary>A token inside a piece.</summary>
/// <param name="Id">The token's id.</param>
/// <param name="Length">How many characters of the piece it covers.</param>
internal readonly record struct BytePairSymbol(int Id, int Length);

/// <summary>
/// Byte-pair encoding of one piece (Sennrich et al. 2016): the pair with the lowest rank merges first, the leftmost of
/// equals, until no pair has a merge. A heap of pairs over a linked list of symbols keeps it at O(n log n).
/// </summary>
internal sealed class BytePairEncoder
{
    private const int None = -1;

    private readonly MergeTable _merges;
    private readonly PieceCache _cache = new();
    private readonly int[] _idOfCharacter = new int[ByteLevelAlphabet.End];
    private readonly int _unknownId;
    private readonly bool _fuseUnknown;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>>? _wholePieces;

    /// <summary>Prepares the model's merges and single-byte tokens.</summary>
    public BytePairEncoder(TokenizerModel model)
    {
        _merges = new MergeTable(model.Merges);
        _unknownId = model.UnknownId ?? None;
        _fuseUnknown = model.FuseUnknown;
        Array.Fill(_idOfCharacter, None);
        foreach (var c in ByteLevelAlphabet.CharacterOf)
        {
            if (model.Vocabulary.TryGetValue(c.ToString(), out var id)) _idOfCharacter[c] = id;
            else LacksBytes = true;
        }

        if (model.IgnoreMerges)
            _wholePieces = new Dictionary<string, int>(model.Vocabulary, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Whether there are bytes without a token.</summary>
    public bool LacksBytes { get; }

    /// <summary>Whether a character of the byte-level alphabet is a token.</summary>
    public bool HasToken(char character) => _idOfCharacter[character] != None;

    /// <summary>Encodes a piece.</summary>
    /// <param name="piece">Characters of the byte-level alphabet.</param>
    /// <param name="scratch">Working memory of the calling thread.</param>
    /// <returns>The tokens, valid until the next call with the same working memory.</returns>
    public ReadOnlySpan<BytePairSymbol> Encode(ReadOnlySpan<char> piece, BytePairScratch scratch)
    {
        var isCached = piece.Length <= PieceCache.MaxLength;
        if (isCached && _cache.TryGet(piece, out var known)) return known;

        var count = EncodeUncached(piece, scratch);
        var symbols = scratch.Symbols.AsSpan(0, count);
        if (isCached) _cache.Add(piece, symbols);
        return symbols;
    }

    private int EncodeUncached(ReadOnlySpan<char> piece, BytePairScratch scratch)
    {
        scratch.Reserve(piece.Length);
        if (_wholePieces is { } whole && whole.TryGetValue(piece, out var id))
        {
            scratch.Symbols[0] = new BytePairSymbol(id, piece.Length);
            return 1;
        }

        var count = Split(piece, scratch.Symbols);
        Merge(scratch, count);
        return Compact(scratch, count);
    }

    // The symbols before any merge. Characters without a token vanish, so that their neighbours become adjacent.
    private int Split(ReadOnlySpan<char> piece, BytePairSymbol[] symbols)
    {
        var count = 0;
        var afterUnknown = false;
        foreach (var c in piece)
        {
            var id = _idOfCharacter[c];
            var isUnknown = id == None;
            if (isUnknown && _unknownId == None) continue;
            if (isUnknown && afterUnknown && _fuseUnknown)
                symbols[count - 1] = symbols[count - 1] with { Length = symbols[count - 1].Length + 1 };
            else
                symbols[count++] = new BytePairSymbol(isUnknown ? _unknownId : id, 1);
            afterUnknown = isUnknown;
        }

        return count;
    }

    private void Merge(BytePairScratch scratch, int count)
    {
        var symbols = scratch.Symbols;
        var previous = scratch.Previous;
        var next = scratch.Next;
        var heap = scratch.Heap;
        heap.Clear();
        for (var i = 0; i < count; i++)
        {
            previous[i] = i - 1;
            next[i] = i + 1 < count ? i + 1 : None;
            if (next[i] != None) Offer(i, i + 1);
        }

        while (heap.TryPop(out var rank, out var left))
        {
            // An entry whose pair has changed since has another rank, or none.
            var right = symbols[left].Length == 0 ? None : next[left];
            if (right == None || !_merges.TryGet(symbols[left].Id, symbols[right].Id, out var current, out var result) || current != rank)
                continue;

            symbols[left] = new BytePairSymbol(result, symbols[left].Length + symbols[right].Length);
            symbols[right] = default;
            next[left] = next[right];
            if (next[left] != None)
            {
                previous[next[left]] = left;
                Offer(left, next[left]);
            }

            if (previous[left] != None) Offer(previous[left], left);
        }

        void Offer(int left, int right)
        {
            if (_merges.TryGet(symbols[left].Id, symbols[right].Id, out var rank, out _)) heap.Push(rank, left);
        }
    }

    private static int Compact(BytePairScratch scratch, int count)
    {
        var symbols = scratch.Symbols;
        var kept = 0;
        for (var i = 0; i < count; i++)
            if (symbols[i].Length > 0) symbols[kept++] = symbols[i];
        return kept;
    }
}
