namespace FalconMamba.Fuzz;

/// <summary>How long to run and from which seed: the same seed gives the same inputs in the same order.</summary>
internal sealed record FuzzOptions
{
    public double Seconds { get; init; } = 60;

    /// <summary>Ends the run after so many inputs.</summary>
    public long Inputs { get; init; } = long.MaxValue;

    public int Seed { get; init; } = 1;

    /// <summary>Runs only this input, to look at a failure.</summary>
    public long? Only { get; init; }

    /// <summary>Runs only this reader.</summary>
    public string? Reader { get; init; }

    /// <summary>The folder of valid files; by default the repository's fixtures.</summary>
    public string Fixtures { get; init; } = FindFixtures();

    private static string FindFixtures()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "FalconMamba.slnx"))) return Path.Combine(folder.FullName, "tests", "fixtures");
        throw new DirectoryNotFoundException("FalconMamba.slnx was not found in any parent of the program's folder");
    }
}
