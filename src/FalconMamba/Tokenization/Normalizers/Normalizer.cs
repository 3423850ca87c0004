namespace FalconMamba.Tokenization.Normalizers;

/// <summary>Rewrites a segment of text before it is cut into pieces.</summary>
internal abstract class Normalizer
{
    /// <summary>Rewrites the text of <paramref name="buffer"/> and makes it one piece.</summary>
    public abstract void Apply(PieceBuffer buffer);

    /// <summary>The normal form of a string on its own.</summary>
    public string Normalize(string text)
    {
        var buffer = new PieceBuffer();
        buffer.Load(text, 0, track: false);
        Apply(buffer);
        return buffer.Text.ToString();
    }
}

/// <summary>Several normalizers, one after another.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<Normalizer> steps) : Normalizer
{
    /// <inheritdoc/>
    public override void Apply(PieceBuffer buffer)
    {
        foreach (var step in steps) step.Apply(buffer);
    }
}
