using System.Text;
using FalconMamba.Tokenization.Unicode;

namespace FalconMamba.Tokenization;

/// <summary>
/// Turns text into ids: added tokens are cut out of the raw text, the rest is normalized, added tokens that match
/// normalized text are cut out of that, and what remains is cut into pieces whose bytes are merged to tokens.
/// </summary>
internal sealed class TextEncoder
{
    private readonly TokenizerModel _model;
    private readonly Vocabulary _vocabulary;
    private readonly BytePairEncoder _bytePairs;
    private readonly AddedTokenMatcher _rawTokens;
    private readonly AddedTokenMatcher _normalizedTokens;

    /// <summary>Prepares a model.</summary>
    public TextEncoder(TokenizerModel model, Vocabulary vocabulary)
    {
        _model = model;
        _vocabulary = vocabulary;
        _bytePairs = new BytePairEncoder(model);
        _rawTokens = MatcherOf(static token => !token.Normalized);
        _normalizedTokens = MatcherOf(static token => token.Normalized);

        AddedTokenMatcher MatcherOf(Func<AddedToken, bool> which) =>
            new(model.AddedTokens.Where(which).Select(token => (model.FormOf(token), token)));
    }

    /// <summary>Encodes a text without the template's tokens.</summary>
    /// <param name="text">The text.</param>
    /// <param name="trusted">Where special tokens may match.</param>
    /// <param name="workspace">Takes the ids and, if it wants them, offsets and lost bytes.</param>
    public void Encode(ReadOnlySpan<char> text, TrustedText trusted, EncodingWorkspace workspace)
    {
        Func<int, int, bool>? isTrusted = trusted.IsAll ? null : trusted.Contains;
        var position = 0;
        while (_rawTokens.TryFind(text, position, isTrusted, out var match))
        {
            EncodeSegment(text, position, match.Start, trusted, workspace);
            AddToken(text, match.Id, text[match.Start..match.End], match.Start, match.End, workspace);
            position = match.End;
        }

        EncodeSegment(text, position, text.Length, trusted, workspace);
    }

    private void EncodeSegment(ReadOnlySpan<char> text, int start, int end, TrustedText trusted, EncodingWorkspace workspace)
    {
        if (start == end) return;

        var buffer = workspace.Buffer;
        buffer.Load(text[start..end], start, workspace.WantsOffsets || !trusted.IsAll);
        _model.Normalizer?.Apply(buffer);
        if (!_normalizedTokens.IsEmpty) CutNormalizedTokens(buffer, trusted);
        _model.PreTokenizer.Apply(buffer);
        foreach (var piece in buffer.Pieces)
        {
            if (piece.IsToken && workspace.WantsOffsets)
                AddToken(text, piece.TokenId, buffer.TextOf(piece), buffer.OriginalStart(piece.Start), buffer.OriginalEnd(piece.Start + piece.Length), workspace);
            else if (piece.IsToken)
                workspace.Add(piece.TokenId);
            else
                EncodePiece(text, piece, workspace);
        }
    }

    private void CutNormalizedTokens(PieceBuffer buffer, TrustedText trusted)
    {
        Func<int, int, bool>? isTrusted = trusted.IsAll
            ? null
            : (start, end) => trusted.Contains(buffer.OriginalStart(start), buffer.OriginalEnd(end));
        var position = 0;
        while (_normalizedTokens.TryFind(buffer.Text, position, isTrusted, out var match))
        {
            buffer.Add(position, match.Start - position);
            buffer.Add(match.Start, match.End - match.Start, match.Id);
            position = match.End;
        }

        buffer.Add(position, buffer.Text.Length - position);
        buffer.CommitPieces();
    }

    private void EncodePiece(ReadOnlySpan<char> text, Piece piece, EncodingWorkspace workspace)
    {
        var buffer = workspace.Buffer;
        var symbols = _bytePairs.Encode(buffer.TextOf(piece), workspace.Scratch);
        if (!workspace.WantsOffsets)
        {
            foreach (var symbol in symbols) workspace.Add(symbol.Id);
            return;
        }

        var lost = _bytePairs.LacksBytes ? CountLostBytes(piece, workspace) : 0;
        if (lost > 0 && _model.UnknownId is null)
        {
            AddShiftedTokens(text, piece, symbols, workspace);
            return;
        }

        var start = piece.Start;
        foreach (var symbol in symbols)
        {
            var end = start + symbol.Length;
            AddToken(text, symbol.Id, _vocabulary.TokenOf(symbol.Id), buffer.OriginalStart(start), buffer.OriginalEnd(end), workspace);
            start = end;
        }
    }

    private int CountLostBytes(Piece piece, EncodingWorkspace workspace)
    {
        var buffer = workspace.Buffer;
        var known = workspace.LostBytes.Count;
        for (var i = piece.Start; i < piece.Start + piece.Length; i++)
        {
            var character = buffer.Text[i];
            if (!_bytePairs.HasToken(character) && ByteLevelAlphabet.TryGetByte(character, out var value))
                workspace.LostBytes.Add(new LostByte(buffer.OriginalStart(i), value));
        }

        return workspace.LostBytes.Count - known;
    }

    // Where bytes were dropped, the reference library's offsets move to the left: it counts the UTF-8 bytes of the
    // characters that were kept, and looks the sum up in the piece with all of them.
    private void AddShiftedTokens(ReadOnlySpan<char> text, Piece piece, ReadOnlySpan<BytePairSymbol> symbols, EncodingWorkspace workspace)
    {
        var buffer = workspace.Buffer;
        var characterAt = new List<int>(2 * piece.Length);
        for (var i = piece.Start; i < piece.Start + piece.Length; i++)
            for (var n = Encoding.UTF8.GetByteCount(buffer.Text.Slice(i, 1)); n > 0; n--) characterAt.Add(i);

        var start = 0;
        foreach (var symbol in symbols)
        {
            var token = _vocabulary.TokenOf(symbol.Id)!;
            var end = start + Encoding.UTF8.GetByteCount(token);
            AddToken(text, symbol.Id, token, buffer.OriginalStart(characterAt[start]), buffer.OriginalEnd(characterAt[end - 1] + 1), workspace);
            start = end;
        }
    }

    // Offsets leave out the white space at a token's ends, one character for each that the token spells.
    private void AddToken(ReadOnlySpan<char> text, int id, ReadOnlySpan<char> token, int start, int end, EncodingWorkspace workspace)
    {
        if (workspace.WantsOffsets && _model.OffsetTrimming != OffsetTrimming.None)
        {
            var leading = 0;
            while (leading < token.Length && IsSpace(token[leading])) leading++;
            var trailing = 0;
            while (trailing < token.Length && IsSpace(token[^(trailing + 1)])) trailing++;

            var isPrefixSpace = _model.OffsetTrimming == OffsetTrimming.TrimAfterPrefixSpace && leading == 1 && (workspace.Count == 0 || start == 0);
            for (var i = isPrefixSpace ? leading : 0; i < leading && start < end; i++) start += WidthAt(text, start);
            var trimmed = end;
            for (; trailing > 0 && trimmed > 0; trailing--) trimmed -= WidthBefore(text, trimmed);
            if (trailing == 0) end = Math.Max(trimmed, start);
        }

        workspace.Add(id, start..end);
    }

    private static bool IsSpace(char c) => c == ByteLevelAlphabet.Space || (CharacterClasses.Of(c) & CharacterClass.Space) != 0;

    private static int WidthAt(ReadOnlySpan<char> text, int index) =>
        index + 1 < text.Length && char.IsSurrogatePair(text[index], text[index + 1]) ? 2 : 1;

    private static int WidthBefore(ReadOnlySpan<char> text, int index) =>
        index > 1 && char.IsSurrogatePair(text[index - 2], text[index - 1]) ? 2 : 1;
}
