namespace FalconMamba.Fuzz;

/// <summary>One reader with valid files for it and a way to damage them.</summary>
internal sealed class FuzzTarget
{
    // A large file is worth reading now and then, not every time.
    private const int LargeBytes = 1 << 16, LargeShare = 64;

    private readonly IMutator[] _small, _large;

    /// <param name="name">The reader's name.</param>
    /// <param name="inputPath">Where inputs are written, with the name that the reader expects.</param>
    /// <param name="seeds">Valid files, prepared for damage.</param>
    /// <param name="read">Reads an input and uses what it holds.</param>
    public FuzzTarget(string name, string inputPath, IEnumerable<IMutator> seeds, Action<string, FuzzRead> read)
    {
        Name = name;
        InputPath = inputPath;
        Read = read;
        var all = seeds.ToLookup(seed => seed.Length >= LargeBytes);
        _small = [.. all[false]];
        _large = [.. all[true]];
        if (_small.Length + _large.Length == 0) throw new InvalidOperationException($"there is no valid file for the reader {name}");
    }

    public string Name { get; }

    public string InputPath { get; }

    public Action<string, FuzzRead> Read { get; }

    public long Inputs { get; set; }

    public long HeadersPassed { get; set; }

    public long Accepted { get; set; }

    public long MostAllocated { get; set; }

    public TimeSpan Slowest { get; set; }

    /// <summary>The different reasons for refusals, numbers and quotations left out: how many of the reader's checks were reached.</summary>
    public HashSet<string> Refusals { get; } = [];

    /// <summary>A valid file with up to four injuries.</summary>
    public byte[] Mutate(Random random)
    {
        var pool = _small.Length == 0 || (_large.Length > 0 && random.Next(LargeShare) == 0) ? _large : _small;
        var seed = pool[random.Next(pool.Length)];
        return seed.Mutate(random);
    }
}

/// <summary>What a reader tells about one input.</summary>
internal sealed class FuzzRead(Random random)
{
    /// <summary>For choices of what to do with an accepted file.</summary>
    public Random Random { get; } = random;

    /// <summary>Whether the file's outer frame was valid.</summary>
    public bool HeaderPassed { get; set; }
}
