using System.Diagnostics;
using System.Globalization;
using FalconMamba.Formats;
using FalconMamba.Kernels;
using FalconMamba.Model;

namespace FalconMamba.Cli.Plan;

/// <summary>What this machine can do at most; speeds that nobody measured are 0.</summary>
/// <param name="Memory">The bytes that programs may still have.</param>
/// <param name="Bandwidth">The bytes of memory that are read a second.</param>
/// <param name="Float32">Multiplications and additions a second in float32.</param>
/// <param name="BFloat16">The same in bfloat16.</param>
/// <param name="Int8">The same in eight bits.</param>
internal sealed record Machine(long Memory, double Bandwidth, double Float32, double BFloat16, double Int8)
{
    private const string Information = "/proc/meminfo", Available = "MemAvailable:";
    private const int MostBytes = 1 << 30, LeastBytes = 1 << 26;

    /// <summary>Tries the machine out.</summary>
    /// <param name="terminal">Where progress is shown.</param>
    /// <param name="memory">The memory to plan with; null for what is there.</param>
    /// <param name="threads">How many threads work.</param>
    /// <param name="seconds">How long memory is read; 0 measures nothing.</param>
    /// <param name="cancellationToken">Looked at several times a second.</param>
    public static Machine Measure(Terminal terminal, long? memory, int threads, double seconds, CancellationToken cancellationToken)
    {
        var available = AvailableMemory();
        if (seconds == 0) return new Machine(memory ?? available, 0, 0, 0, 0);
        using var bar = new ProgressBar(terminal, "measuring this machine", (long)(seconds * 1000), milliseconds => $"{Units.Short(milliseconds / 1000.0)} s");
        var bytes = (int)Math.Clamp(available / 4, LeastBytes, MostBytes);
        var bandwidth = 0.0;
        var start = Stopwatch.GetTimestamp();
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            bandwidth = Math.Max(bandwidth, MemoryBandwidth.Measure(threads, rounds: 2, bytes));
            bar.Report((long)Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds);

        return new Machine(
            memory ?? available, bandwidth, ProductPeaks.MeasureFloats(threads), ProductPeaks.MeasureBFloat16(threads), ProductPeaks.MeasureBytes(threads));
    }

    /// <summary>Tokens of a prompt a second at most: the products bound it, and where few tokens go together the memory.</summary>
    public double Reading(PlanRow row, ModelOptions options) => Bandwidth == 0
        ? 0
        : Math.Min(Peak(row, options) / row.ReadingOperations, options.PrefillChunkSize * Bandwidth / row.BytesOfStep(1));

    /// <summary>Tokens a second at most, those of all sequences together: the memory bounds it, and with many sequences the products.</summary>
    public double Generating(PlanRow row, ModelOptions options, int sequences) => Bandwidth == 0
        ? 0
        : Math.Min(sequences * Bandwidth / row.BytesOfStep(sequences), Peak(row, options) / row.GeneratingOperations);

    private double Peak(PlanRow row, ModelOptions options) => row.Products switch
    {
        TensorType.BF16 when !options.Exact => Math.Max(Float32, BFloat16),
        var type when !options.Exact && type.Info().BlockLength > 1 => Int8,
        _ => Float32,
    };

    // A container may allow less than the machine has, and other programs may have taken some.
    private static long AvailableMemory()
    {
        var most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (!File.Exists(Information)) return most;
        var line = File.ReadLines(Information).FirstOrDefault(line => line.StartsWith(Available, StringComparison.Ordinal));
        return line?[Available.Length..].Replace("kB", "", StringComparison.Ordinal) is { } text && long.TryParse(text, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var kilobytes)
            ? Math.Min(most, kilobytes * 1024)
            : most;
    }
}
