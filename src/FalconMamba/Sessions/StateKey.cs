namespace FalconMamba.Sessions;

/// <summary>What a store knows a state by.</summary>
/// <param name="Name">The name of the session it belongs to: any text.</param>
/// <param name="Position">How many tokens a kept place has behind it; null for the session's newest state.</param>
public readonly record struct StateKey(string Name, long? Position = null);

/// <summary>A state in a store.</summary>
/// <param name="Key">What it is known by.</param>
/// <param name="ByteLength">The room it takes.</param>
/// <param name="Written">When it was written.</param>
public readonly record struct StateEntry(StateKey Key, long ByteLength, DateTimeOffset Written);
