namespace FalconMamba.Generation.Speculation;

/// <summary>A guessed token. Nothing is guessed where it is the default.</summary>
/// <param name="id">The token.</param>
/// <param name="chances">The distribution that it was drawn from [V]; empty where it was chosen without a draw.</param>
internal readonly ref struct DraftedToken(int id, ReadOnlySpan<double> chances)
{
    /// <summary>The token.</summary>
    public int Id { get; } = id;

    /// <summary>The distribution that it was drawn from [V]; empty where it was chosen without a draw, and where nothing is guessed.</summary>
    public ReadOnlySpan<double> Chances { get; } = chances;
}
