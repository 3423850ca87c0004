namespace FalconMamba.Generation;

/// <summary>
/// Philox4x32-10: a random number as a function of a key and a counter, so that a draw depends on where it is made and
/// never on what was drawn before. Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3" (2011).
/// </summary>
internal static class Philox
{
    private const int Rounds = 10;
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;
    private const double Ulp = 1.0 / (1L << 53);

    /// <summary>Uniform in [0, 1), a multiple of 2^-53.</summary>
    /// <param name="seed">The key.</param>
    /// <param name="position">Which draw.</param>
    /// <param name="stream">Which of several independent draws at one position.</param>
    public static double Uniform(ulong seed, long position, ulong stream = 0)
    {
        var (x0, x1, _, _) = Block(((uint)position, (uint)(position >> 32), (uint)stream, (uint)(stream >> 32)), ((uint)seed, (uint)(seed >> 32)));
        return ((((ulong)x1 << 32) | x0) >> 11) * Ulp;
    }

    /// <summary>The 128 bits of one counter under one key.</summary>
    public static (uint X0, uint X1, uint X2, uint X3) Block((uint X0, uint X1, uint X2, uint X3) counter, (uint K0, uint K1) key)
    {
        var (x0, x1, x2, x3) = counter;
        var (k0, k1) = key;
        for (var round = 0; round < Rounds; round++)
        {
            var product0 = (ulong)Multiplier0 * x0;
            var product1 = (ulong)Multiplier1 * x2;
            (x0, x1, x2, x3) = ((uint)(product1 >> 32) ^ x1 ^ k0, (uint)product1, (uint)(product0 >> 32) ^ x3 ^ k1, (uint)product0);
            k0 += Weyl0;
            k1 += Weyl1;
        }

        return (x0, x1, x2, x3);
    }
}
