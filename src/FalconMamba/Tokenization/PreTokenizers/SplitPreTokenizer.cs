namespace FalconMamba.Tokenization.PreTokenizers;

/// <summary>Cuts pieces at the delimiters a pattern finds: Split, and with a character class Punctuation and Digits.</summary>
/// <param name="pattern">Finds the delimiters.</param>
/// <param name="behavior">What becomes of them.</param>
/// <param name="invert">Takes what lies between the matches for the delimiters.</param>
internal sealed class SplitPreTokenizer(SplitPattern pattern, SplitBehavior behavior, bool invert = false) : PreTokenizer
{
    /// <inheritdoc/>
    public override void Apply(PieceBuffer buffer)
    {
        var matches = buffer.Matches;
        foreach (var piece in buffer.Pieces)
        {
            matches.Clear();
            if (!piece.IsToken) pattern.FindMatches(buffer.TextOf(piece), matches);
            if (matches.Count == 0 && (piece.IsToken || !(invert && behavior == SplitBehavior.Removed)))
                buffer.Add(piece.Start, piece.Length, piece.TokenId);
            else
                Cut(buffer, piece, matches);
        }

        buffer.CommitPieces();
    }

    private void Cut(PieceBuffer buffer, Piece piece, List<(int Start, int End)> matches)
    {
        // The part held back, because the next one may join it; its end is relative to the piece, like all places here.
        var held = (Start: 0, End: 0, IsDelimiter: false);
        var end = 0;
        foreach (var match in matches)
        {
            if (end < match.Start) Take(end, match.Start, invert);
            Take(match.Start, match.End, !invert);
            end = match.End;
        }

        if (end < piece.Length) Take(end, piece.Length, invert);
        Release();

        void Take(int start, int stop, bool isDelimiter)
        {
            var joins = behavior switch
            {
                SplitBehavior.Contiguous => isDelimiter == held.IsDelimiter,
                SplitBehavior.MergedWithPrevious => isDelimiter && !held.IsDelimiter,
                SplitBehavior.MergedWithNext => !isDelimiter && held.IsDelimiter,
                _ => false,
            };
            if (joins && held.End > 0)
            {
                held = (held.Start, stop, isDelimiter);
                return;
            }

            Release();
            held = (start, stop, isDelimiter);
        }

        void Release()
        {
            if (!(behavior == SplitBehavior.Removed && held.IsDelimiter)) buffer.Add(piece.Start + held.Start, held.End - held.Start);
        }
    }
}
