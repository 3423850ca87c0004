using System.Globalization;

namespace FalconMamba.Cli.Bench;

/// <summary>A moment of a <see cref="FlatnessRun"/>.</summary>
/// <param name="Position">Tokens the state has seen.</param>
/// <param name="Seconds">Seconds a token since the moment before.</param>
/// <param name="Memory">What the process has in memory.</param>
internal readonly record struct FlatnessSample(int Position, double Seconds, ResidentMemory Memory);

/// <summary>The moments of a run. Their memory is taken before the first, so that measuring does not look like growth.</summary>
internal sealed class FlatnessTrack
{
    private readonly FlatnessSample[] _samples;
    private int _count;

    public FlatnessTrack(int capacity)
    {
        _samples = new FlatnessSample[capacity];
        // Memory that was never written is not resident yet.
        Array.Fill(_samples, new FlatnessSample(-1, 0, default));
    }

    public ReadOnlySpan<FlatnessSample> Samples => _samples.AsSpan(0, _count);

    public void Add(FlatnessSample sample) => _samples[_count++] = sample;

    /// <summary>Writes the moments as a CSV file.</summary>
    public void WriteCsv(string path)
    {
        using var csv = new StreamWriter(path) { NewLine = "\n" };
        csv.WriteLine("position,us_per_token,resident_bytes,resident_anonymous_bytes");
        foreach (var (position, seconds, memory) in Samples)
            csv.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{position},{seconds * 1e6:F2},{memory.Bytes},{memory.Anonymous}"));
    }
}
