namespace FalconMamba.Generation;

/// <summary>What a random number is for: each has numbers of its own at every place.</summary>
internal enum DrawPurpose
{
    /// <summary>The token.</summary>
    Token,

    /// <summary>Whether the likeliest tokens are excluded.</summary>
    Exclusion,

    /// <summary>A token's chance in a beam search, one number for each token.</summary>
    Beam,

    /// <summary>Whether a drafted token stays, and from the second number on the draft's own draws.</summary>
    Draft,
}

/// <summary>
/// Where a draw is made: random numbers depend on it and on the seed, never on the order of calls.
/// </summary>
/// <param name="Seed">The seed.</param>
/// <param name="Position">The token's position in its sequence.</param>
/// <param name="Sequence">Which of several sequences from one prompt.</param>
internal readonly record struct DrawPlace(ulong Seed, long Position, int Sequence = 0)
{
    /// <summary>Uniform in [0, 1).</summary>
    /// <param name="purpose">What it is for.</param>
    /// <param name="item">Which of several for this purpose; below 2³⁰.</param>
    public double Uniform(DrawPurpose purpose, int item = 0) =>
        Philox.Uniform(Seed, Position, ((ulong)Sequence << 32) | ((ulong)item << 2) | (ulong)purpose);
}
