namespace FalconMamba.Generation;

/// <summary>What guessing ahead came to.</summary>
/// <param name="Drafted">Tokens that were guessed and verified.</param>
/// <param name="Accepted">Those of them that came true.</param>
public readonly record struct SpeculationCounts(int Drafted, int Accepted);
