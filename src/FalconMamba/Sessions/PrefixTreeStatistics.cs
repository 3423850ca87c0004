namespace FalconMamba.Sessions;

/// <summary>What a <see cref="PrefixTree"/> holds and did.</summary>
/// <param name="Lookups">How often a prompt was looked up.</param>
/// <param name="Hits">How often a beginning of it was found.</param>
/// <param name="LookupTokens">The tokens of all prompts.</param>
/// <param name="HitTokens">Those of them that did not have to be read.</param>
/// <param name="MemoryStates">The states in memory.</param>
/// <param name="MemoryBytes">Their bytes.</param>
/// <param name="StoredStates">The states that only the store has.</param>
/// <param name="StoredBytes">The bytes of all states in the store.</param>
/// <param name="Forgotten">How many states were given up for want of room, or because the store failed.</param>
public readonly record struct PrefixTreeStatistics(
    long Lookups, long Hits, long LookupTokens, long HitTokens, int MemoryStates, long MemoryBytes, int StoredStates, long StoredBytes, long Forgotten);
