using System.Runtime.Intrinsics.X86;

namespace FalconMamba.Kernels;

/// <summary>The caches of this machine, in bytes.</summary>
/// <param name="Second">A core's second-level cache.</param>
/// <param name="Last">The last cache, which cores share.</param>
/// <param name="IsKnown">Whether the processor tells of both; virtual machines often hide them, and usual sizes then stand in.</param>
public sealed record CacheSizes(long Second, long Last, bool IsKnown)
{
    // Intel's and AMD's tables of caches have one layout; AMD's older leaf tells the second level where the table is hidden.
    private const int IntelTable = 4, AmdTable = unchecked((int)0x8000001D), AmdSizes = unchecked((int)0x80000006);
    private const int MostCaches = 8;

    /// <summary>What an unknown machine is taken for.</summary>
    internal static CacheSizes Usual { get; } = new(1 << 20, 32 << 20, IsKnown: false);

    /// <summary>The caches of this machine.</summary>
    public static CacheSizes ThisMachine { get; } = Read();

    private static CacheSizes Read()
    {
        var (second, last) = (Find(level: 2), Math.Max(Find(level: 3), Find(level: 4)));
        if (second > 0 && last > 0) return new CacheSizes(second, last, IsKnown: true);
        if (second == 0 && Has(AmdSizes)) second = (long)((uint)X86Base.CpuId(AmdSizes, 0).Ecx >> 16) << 10;
        return Usual with { Second = second > 0 ? second : Usual.Second };
    }

    /// <summary>The bytes of the largest cache of a level; 0 if there is none or the processor does not tell.</summary>
    private static long Find(int level)
    {
        var largest = 0L;
        foreach (var table in (ReadOnlySpan<int>)[IntelTable, AmdTable])
        {
            for (var index = 0; index < MostCaches && Has(table); index++)
            {
                var (kind, shape, sets, _) = X86Base.CpuId(table, index);
                if ((kind & 31) == 0) break;
                if (((kind >> 5) & 7) != level) continue;
                long ways = ((uint)shape >> 22) + 1, partitions = ((shape >> 12) & 1023) + 1, line = (shape & 4095) + 1;
                largest = Math.Max(largest, ways * partitions * line * ((uint)sets + 1L));
            }
        }

        return largest;
    }

    private static bool Has(int leaf) => X86Base.IsSupported && (uint)X86Base.CpuId(leaf & int.MinValue, 0).Eax >= (uint)leaf;
}
