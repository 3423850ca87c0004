namespace FalconMamba.Tokenization;

/// <summary>A part of a <see cref="PieceBuffer"/>'s text.</summary>
/// <param name="Start">The first char.</param>
/// <param name="Length">The number of chars.</param>
/// <param name="TokenId">The added token that the piece is, or -1 for ordinary text.</param>
internal readonly record struct Piece(int Start, int Length, int TokenId = Piece.Ordinary)
{
    /// <summary>The <see cref="TokenId"/> of ordinary text.</summary>
    public const int Ordinary = -1;

    /// <summary>Whether the piece is an added token, which no pre-tokenizer touches.</summary>
    public bool IsToken => TokenId >= 0;
}

/// <summary>
/// The working text of one segment between added tokens, and its cut into pieces. Normalizers rewrite the text,
/// pre-tokenizers cut the pieces further; where asked, each char remembers the part of the original it came from.
/// Reused from segment to segment, so that a long text allocates little.
/// </summary>
internal sealed class PieceBuffer
{
    private const char Replacement = '\uFFFD';

    private char[] _text = [];
    private char[] _newText = [];
    private int _length;

    // By char of the text: the start and the end of the original character it came from, in UTF-16 chars.
    private int[] _starts = [];
    private int[] _ends = [];
    private int[] _newStarts = [];
    private int[] _newEnds = [];

    // By char of a text being rewritten: the old char it comes from.
    private int[] _sources = [];

    private Piece[] _pieces = new Piece[16];
    private Piece[] _newPieces = new Piece[16];
    private int _pieceCount;
    private int _newPieceCount;

    /// <summary>The text, without unpaired surrogates.</summary>
    public ReadOnlySpan<char> Text => _text.AsSpan(0, _length);

    /// <summary>The chars that the memory at hand can take.</summary>
    public int Capacity => Math.Max(_text.Length, _newText.Length);

    /// <summary>Whether the chars' places in the original are kept.</summary>
    public bool IsTracking { get; private set; }

    /// <summary>The pieces, in order, without gaps unless a pre-tokenizer removes its delimiters.</summary>
    public ReadOnlySpan<Piece> Pieces => _pieces.AsSpan(0, _pieceCount);

    /// <summary>Room for the delimiters of one piece, kept from piece to piece.</summary>
    public List<(int Start, int End)> Matches { get; } = [];

    /// <summary>The text of a piece.</summary>
    public ReadOnlySpan<char> TextOf(Piece piece) => _text.AsSpan(piece.Start, piece.Length);

    /// <summary>Where the original of a part of the text starts; only while tracking.</summary>
    public int OriginalStart(int index) => _starts[index];

    /// <summary>Where the original of the part that ends before <paramref name="end"/> ends; only while tracking.</summary>
    public int OriginalEnd(int end) => _ends[end - 1];

    /// <summary>Starts over with a segment as one piece. Unpaired surrogates become U+FFFD, as in UTF-8.</summary>
    /// <param name="text">The segment.</param>
    /// <param name="origin">Its place in the original.</param>
    /// <param name="track">Whether to keep the chars' places in the original.</param>
    public void Load(ReadOnlySpan<char> text, int origin, bool track)
    {
        _length = text.Length;
        IsTracking = track;
        Ensure(ref _text, _length);
        text.CopyTo(_text);
        RepairSurrogates(_text.AsSpan(0, _length));
        if (track)
        {
            Ensure(ref _starts, _length);
            Ensure(ref _ends, _length);
            for (var i = 0; i < _length; i++)
            {
                var isPair = char.IsHighSurrogate(_text[i]);
                _starts[i] = origin + i;
                _ends[i] = origin + i + (isPair ? 2 : 1);
                if (!isPair) continue;
                _starts[i + 1] = _starts[i];
                _ends[i + 1] = _ends[i];
                i++;
            }
        }

        _newPieceCount = 0;
        Add(0, _length);
        CommitPieces();
    }

    /// <summary>Appends a piece to the new cut; an empty one is left out.</summary>
    public void Add(int start, int length, int tokenId = Piece.Ordinary)
    {
        if (length == 0) return;
        if (_newPieceCount == _newPieces.Length) Array.Resize(ref _newPieces, 2 * _newPieceCount);
        _newPieces[_newPieceCount++] = new Piece(start, length, tokenId);
    }

    /// <summary>Makes the pieces added since the last commit the current cut.</summary>
    public void CommitPieces()
    {
        (_pieces, _newPieces) = (_newPieces, _pieces);
        _pieceCount = _newPieceCount;
        _newPieceCount = 0;
    }

    /// <summary>Gives room for a new text.</summary>
    /// <param name="length">The most chars it takes.</param>
    /// <param name="text">Takes the new chars.</param>
    /// <param name="sources">Takes, for each new char, the old char it comes from; empty unless tracking.</param>
    public void BeginRewrite(int length, out Span<char> text, out Span<int> sources)
    {
        Ensure(ref _newText, length);
        text = _newText.AsSpan(0, length);
        if (IsTracking) Ensure(ref _sources, length);
        sources = IsTracking ? _sources.AsSpan(0, length) : [];
    }

    /// <summary>Makes the first <paramref name="length"/> new chars the text. The pieces are the caller's to renew.</summary>
    public void CommitText(int length)
    {
        if (IsTracking)
        {
            Ensure(ref _newStarts, length);
            Ensure(ref _newEnds, length);
            for (var i = 0; i < length; i++)
            {
                _newStarts[i] = _starts[_sources[i]];
                _newEnds[i] = _ends[_sources[i]];
            }

            (_starts, _newStarts) = (_newStarts, _starts);
            (_ends, _newEnds) = (_newEnds, _ends);
        }

        (_text, _newText) = (_newText, _text);
        _length = length;
    }

    private static void RepairSurrogates(Span<char> text)
    {
        for (var i = text.IndexOfAnyInRange('\uD800', '\uDFFF'); i >= 0 && i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1])) i++;
            else text[i] = Replacement;
        }
    }

    private static void Ensure<T>(ref T[] array, int length)
    {
        if (array.Length < length) array = new T[Math.Max(length, (int)Math.Min(2L * array.Length, Array.MaxLength))];
    }
}
