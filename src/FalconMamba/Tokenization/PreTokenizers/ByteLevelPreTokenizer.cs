using System.Text;

namespace FalconMamba.Tokenization.PreTokenizers;

/// <summary>Writes the text in the byte-level alphabet, one character per UTF-8 byte, after an optional cut into words.</summary>
/// <param name="addPrefixSpace">Puts a space before each piece that does not start with one.</param>
/// <param name="useRegex">Cuts by the expression of GPT-2 first.</param>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : PreTokenizer
{
    /// <inheritdoc/>
    public override void Apply(PieceBuffer buffer)
    {
        if (addPrefixSpace) AddPrefixSpaces(buffer);
        if (useRegex) CutWords(buffer);
        WriteBytes(buffer);
    }

    private static void AddPrefixSpaces(PieceBuffer buffer)
    {
        var text = buffer.Text;
        buffer.BeginRewrite(checked(text.Length + buffer.Pieces.Length), out var spaced, out var sources);
        var length = 0;
        foreach (var piece in buffer.Pieces)
        {
            var start = length;
            if (!piece.IsToken && text[piece.Start] != ' ') Write(' ', piece.Start, spaced, sources);
            for (var i = piece.Start; i < piece.Start + piece.Length; i++) Write(text[i], i, spaced, sources);
            buffer.Add(start, length - start, piece.TokenId);
        }

        buffer.CommitText(length);
        buffer.CommitPieces();

        void Write(char c, int source, Span<char> to, Span<int> from)
        {
            if (buffer.IsTracking) from[length] = source;
            to[length++] = c;
        }
    }

    private static void CutWords(PieceBuffer buffer)
    {
        foreach (var piece in buffer.Pieces)
        {
            if (piece.IsToken)
            {
                buffer.Add(piece.Start, piece.Length, piece.TokenId);
                continue;
            }

            var text = buffer.TextOf(piece);
            for (var start = 0; start < text.Length;)
            {
                var end = Gpt2Pattern.EndOfMatch(text, start);
                buffer.Add(piece.Start + start, end - start);
                start = end;
            }
        }

        buffer.CommitPieces();
    }

    private static void WriteBytes(PieceBuffer buffer)
    {
        var text = buffer.Text;
        buffer.BeginRewrite(Encoding.UTF8.GetByteCount(text), out var bytes, out var sources);
        var alphabet = ByteLevelAlphabet.CharacterOf;
        Span<byte> utf8 = stackalloc byte[4];
        var length = 0;
        foreach (var piece in buffer.Pieces)
        {
            var start = length;
            var end = piece.Start + piece.Length;
            for (var i = piece.Start; i < end;)
            {
                var c = text[i];
                if (piece.IsToken || c < 0x80)
                {
                    if (buffer.IsTracking) sources[length] = i;
                    bytes[length++] = piece.IsToken ? c : alphabet[c];
                    i++;
                    continue;
                }

                Rune.DecodeFromUtf16(text[i..], out var rune, out var width);
                foreach (var value in utf8[..rune.EncodeToUtf8(utf8)])
                {
                    if (buffer.IsTracking) sources[length] = i;
                    bytes[length++] = alphabet[value];
                }

                i += width;
            }

            buffer.Add(start, length - start, piece.TokenId);
        }

        buffer.CommitText(length);
        buffer.CommitPieces();
    }
}
