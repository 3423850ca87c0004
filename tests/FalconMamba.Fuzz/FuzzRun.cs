using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace FalconMamba.Fuzz;

/// <summary>
/// Damages valid files and has them read, one after another. A reader may accept an input or refuse it with one sentence;
/// another exception, a crash, a long wait or memory out of proportion is a failure, and the input stays where it lies.
/// </summary>
internal sealed partial class FuzzRun
{
    private static readonly TimeSpan LongestRead = TimeSpan.FromSeconds(20);
    private const long SpareBytes = 32 << 20, BytesPerByte = 256;

    private readonly FuzzOptions _options;

    // In memory where the system offers that: a million files are written.
    private readonly string _folder = Directory.CreateDirectory(
        Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"falcon-mamba-fuzz-{Environment.ProcessId}")).FullName;
    private long _input, _started;

    public FuzzRun(FuzzOptions options) => _options = options;

    /// <summary>Runs, prints the table and returns the exit code.</summary>
    public int Run()
    {
        var targets = FuzzTargets.Create(_options.Fixtures, _folder).Where(target => _options.Reader is null || target.Name == _options.Reader).ToArray();
        if (targets.Length == 0) return Fail($"there is no reader {_options.Reader}");
        using var watchdog = new Timer(_ => Watch(), null, 1000, 1000);
        var clock = Stopwatch.StartNew();
        for (_input = _options.Only ?? 0; _input < _options.Inputs && clock.Elapsed.TotalSeconds < _options.Seconds; _input++)
        {
            if (!RunInput(targets[_input % targets.Length], _input)) return 1;
            if (_options.Only is not null) break;
        }

        Volatile.Write(ref _started, 0);
        Report([.. targets.Where(target => target.Inputs > 0)], clock.Elapsed);
        Directory.Delete(_folder, recursive: true);
        return 0;
    }

    private bool RunInput(FuzzTarget target, long number)
    {
        // Each input has its own generator, so that it can be made again alone.
        var random = new Random(unchecked((int)((_options.Seed * 1_000_000_007L) + number)));
        var bytes = target.Mutate(random);
        File.WriteAllBytes(target.InputPath, bytes);

        var read = new FuzzRead(random);
        Volatile.Write(ref _started, Stopwatch.GetTimestamp());
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            target.Read(target.InputPath, read);
            target.Accepted++;
        }
        catch (MalformedFileException e)
        {
            if (IsNoSentence(e.Message)) return Fail(target, number, $"a refusal in one sentence was expected: {e.Message}");
            target.Refusals.Add(Digits().Replace(Quoted().Replace(e.Expectation, "\"\""), "0"));
        }
        catch (Exception e)
        {
            return Fail(target, number, e.ToString());
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        var elapsed = Stopwatch.GetElapsedTime(_started);
        target.Inputs++;
        if (read.HeaderPassed) target.HeadersPassed++;
        target.MostAllocated = Math.Max(target.MostAllocated, allocated);
        target.Slowest = elapsed > target.Slowest ? elapsed : target.Slowest;
        return allocated <= SpareBytes + (BytesPerByte * bytes.Length) || Fail(target, number, $"{allocated} bytes were allocated for {bytes.Length}");
    }

    private static bool IsNoSentence(string message) =>
        !message.EndsWith('.') || message.Contains('\n', StringComparison.Ordinal) || message.Length > 2000;

    private void Watch()
    {
        var started = Volatile.Read(ref _started);
        if (started == 0 || Stopwatch.GetElapsedTime(started) < LongestRead) return;
        Fail($"input {_input} takes longer than {LongestRead.TotalSeconds} s; it lies in {_folder}");
        Environment.Exit(1);
    }

    private bool Fail(FuzzTarget target, long number, string what)
    {
        Fail($"{target.Name}, input {number} of seed {_options.Seed} (run it alone with --only {number}): {what}\nthe input lies in {target.InputPath}");
        return false;
    }

    private static int Fail(string what)
    {
        Console.Error.WriteLine(what);
        return 1;
    }

    private static void Report(FuzzTarget[] targets, TimeSpan elapsed)
    {
        Console.WriteLine("reader          inputs   header  accepted  refusals   most allocated  slowest");
        foreach (var target in targets)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{target.Name,-12} {target.Inputs,9} {Share(target.HeadersPassed, target),7:P1} {Share(target.Accepted, target),9:P1} {target.Refusals.Count,9} {target.MostAllocated / 1e6,13:F1} MB {target.Slowest.TotalMilliseconds,5:F0} ms"));
        }

        var inputs = targets.Sum(target => target.Inputs);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{inputs} inputs in {elapsed.TotalSeconds:F0} s, {(double)targets.Sum(target => target.HeadersPassed) / inputs:P1} with a valid header; resident at most {Process.GetCurrentProcess().PeakWorkingSet64 / 1e6:F0} MB"));
    }

    private static double Share(long part, FuzzTarget target) => target.Inputs == 0 ? 0 : (double)part / target.Inputs;

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Quoted();
}
