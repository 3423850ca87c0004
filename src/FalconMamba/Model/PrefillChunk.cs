using FalconMamba.Kernels;

namespace FalconMamba.Model;

/// <summary>Chooses how many tokens of a prompt go through the layers together, for a model's widths and a machine's caches.</summary>
internal static class PrefillChunk
{
    // Below it, weights are read and decoded too often for the products they serve; above it nothing more is gained.
    private const int Least = 64, Most = 512;

    // Products take tokens in tiles: no tile is left half empty.
    private const int Step = 64;

    /// <summary>
    /// As many tokens as find room with all their activations in the last cache, beside a panel of weights that fills a
    /// second-level one; a multiple of 64 from 64 to 512.
    /// </summary>
    public static int Choose(FalconMambaConfig config, CacheSizes caches)
    {
        var tokens = (caches.Last - caches.Second) / Workspace.ByteLength(config, tokens: 1);
        return (int)Math.Clamp(tokens / Step * Step, Least, Most);
    }
}
