using FalconMamba.Tokenization;

namespace FalconMamba.Cli.Plan;

/// <summary>A document that a model is to read.</summary>
/// <param name="Name">Its file.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Tokens">Its tokens, counted or estimated.</param>
/// <param name="IsEstimate">Whether there was no tokenizer to count with.</param>
internal sealed record PlannedDocument(string Name, long Bytes, long Tokens, bool IsEstimate)
{
    private const int BytesAToken = 4;

    /// <summary>Measures a document.</summary>
    /// <param name="file">A file of text.</param>
    /// <param name="model">The model's folder or file; null for none.</param>
    public static PlannedDocument Read(string file, string? model)
    {
        var text = TextInput.File(file);
        var bytes = new FileInfo(file).Length;
        return Load(model) is { } tokenizer
            ? new PlannedDocument(file, bytes, tokenizer.Encode(text).Length, IsEstimate: false)
            : new PlannedDocument(file, bytes, (bytes + BytesAToken - 1) / BytesAToken, IsEstimate: true);
    }

    public override string ToString() => $"{Name}: {Units.Digits(Tokens)} tokens" + (IsEstimate ? $" (estimated: {BytesAToken} bytes each, for the tokenizer is not here)" : "");

    // Models of random weights have no tokenizer.
    private static Tokenizer? Load(string? model)
    {
        try
        {
            return model is null ? null : Tokenizer.Load(model);
        }
        catch (Exception e) when (e is FileNotFoundException or MalformedFileException or NotSupportedException)
        {
            return null;
        }
    }
}
