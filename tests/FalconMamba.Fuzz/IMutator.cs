namespace FalconMamba.Fuzz;

/// <summary>A valid file that can be damaged in ways that fit its structure.</summary>
internal interface IMutator
{
    /// <summary>The valid file's bytes.</summary>
    int Length { get; }

    /// <summary>A damaged copy.</summary>
    byte[] Mutate(Random random);
}

/// <summary>Injuries that need no knowledge of a format, and numbers that readers trip over.</summary>
internal static class Injuries
{
    private static readonly long[] Interesting =
    [
        0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 257, 1000, 4095, 4096, 65535, 65536, 1 << 20, 1 << 24, int.MaxValue - 1L, int.MaxValue,
        1L + int.MaxValue, uint.MaxValue, 1L + uint.MaxValue, 1L << 40, 1L << 53, 1L << 60, 1L << 61, 1L << 62, long.MaxValue - 1, long.MaxValue,
        long.MinValue, long.MinValue + 1, -1, -2, -4, -32, -256, int.MinValue,
    ];

    /// <summary>A number at some edge.</summary>
    public static long Number(Random random) => random.Next(4) switch
    {
        0 => random.Next(300),
        1 => random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64),
        _ => Interesting[random.Next(Interesting.Length)],
    };

    /// <summary>Changes, removes, repeats or cuts bytes anywhere.</summary>
    public static byte[] Anywhere(byte[] file, Random random)
    {
        if (file.Length == 0) return [(byte)random.Next(256)];
        var at = random.Next(file.Length);
        var count = Math.Min(file.Length - at, 1 << random.Next(8));
        switch (random.Next(6))
        {
            case 0:
                file[at] ^= (byte)(1 << random.Next(8));
                return file;
            case 1:
                random.NextBytes(file.AsSpan(at, count));
                return file;
            case 2:
                return file[..at];
            case 3:
                return [.. file.AsSpan(0, at), .. file.AsSpan(at + count)];
            case 4:
                return [.. file.AsSpan(0, at + count), .. file.AsSpan(at)];
            default:
                var other = random.Next(file.Length);
                file.AsSpan(at, Math.Min(count, file.Length - other)).CopyTo(file.AsSpan(other));
                return file;
        }
    }
}
