using FalconMamba.Model;

namespace FalconMamba.Sessions;

/// <summary>How much a <see cref="PrefixTree"/> keeps, and where.</summary>
public sealed record PrefixTreeOptions
{
    /// <summary>A gigabyte: 25 states of a 7B model.</summary>
    public const long DefaultMemoryBytes = 1L << 30;

    /// <summary>The bytes of states in memory; pinned ones count and stay.</summary>
    public long MemoryBytes { get; init; } = DefaultMemoryBytes;

    /// <summary>Takes the states that memory has no room for; null if they are to be forgotten.</summary>
    public IStateStore? Store { get; init; }

    /// <summary>The bytes of states in the store.</summary>
    public long StoreBytes { get; init; } = 8 * DefaultMemoryBytes;

    /// <summary>The tokens that go through the layers together: places inside a prompt fall on its multiples where they can.</summary>
    public int ChunkSize { get; init; } = ModelOptions.DefaultPrefillChunkSize;
}
