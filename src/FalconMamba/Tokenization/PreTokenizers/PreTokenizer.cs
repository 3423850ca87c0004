namespace FalconMamba.Tokenization.PreTokenizers;

/// <summary>Cuts the pieces of a text further. Tokens are never merged over a cut.</summary>
internal abstract class PreTokenizer
{
    /// <summary>Cuts the ordinary pieces of <paramref name="buffer"/>; added tokens stay as they are.</summary>
    public abstract void Apply(PieceBuffer buffer);
}

/// <summary>Several pre-tokenizers, one after another.</summary>
internal sealed class PreTokenizerSequence(IReadOnlyList<PreTokenizer> steps) : PreTokenizer
{
    /// <inheritdoc/>
    public override void Apply(PieceBuffer buffer)
    {
        foreach (var step in steps) step.Apply(buffer);
    }
}
