namespace FalconMamba.Tokenization;

public sealed partial class Tokenizer
{
    /// <summary>
    /// Encodes several texts to rows of equal length, for exchange with systems that need it; the models here take
    /// sequences of any lengths side by side.
    /// </summary>
    /// <param name="texts">The texts.</param>
    /// <param name="options">How to cut and fill; by default filled to the longest.</param>
    /// <exception cref="InvalidOperationException">A row must be filled and there is no pad token.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A length is negative.</exception>
    public TokenBatch EncodeBatch(IReadOnlyList<string> texts, TokenBatchOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(texts);
        options ??= new TokenBatchOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.PadToMultipleOf);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Length ?? 0);
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxLength ?? 0);

        var rows = texts.Select(text => EncodeTruncated(text, options)).ToArray();
        var length = options.Length ?? rows.Max(static row => (int?)row.Length) ?? 0;
        if (options.PadToMultipleOf > 0 && length % options.PadToMultipleOf is var excess and > 0)
            length = checked(length + options.PadToMultipleOf - excess);

        var masks = Array.ConvertAll(rows, row => Fill(Enumerable.Repeat(1, row.Length).ToArray(), static () => 0));
        var filled = Array.ConvertAll(rows, row => Fill(row, PadIdOrThrow));
        return new TokenBatch(filled, masks);

        int[] Fill(int[] row, Func<int> filling)
        {
            if (row.Length >= length) return row;
            var missing = Enumerable.Repeat(filling(), length - row.Length);
            return (options.PaddingSide ?? PaddingSide) == SequenceSide.Left ? [.. missing, .. row] : [.. row, .. missing];
        }

        int PadIdOrThrow() => options.PadId ?? PadId
            ?? throw new InvalidOperationException("The rows differ in length and the tokenizer names no pad token; give one in the options.");
    }

    private int[] EncodeTruncated(string text, TokenBatchOptions options)
    {
        var ids = Encode(text, addSpecialTokens: false);
        int[] prefix = options.AddSpecialTokens ? [.. _model.Prefix] : [];
        int[] suffix = options.AddSpecialTokens ? [.. _model.Suffix] : [];
        var room = Math.Max(0, (options.MaxLength ?? int.MaxValue) - prefix.Length - suffix.Length);
        if (ids.Length > room) ids = options.TruncationSide == SequenceSide.Right ? ids[..room] : ids[^room..];
        return [.. prefix, .. ids, .. suffix];
    }
}
