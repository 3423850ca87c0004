using System.Buffers.Text;
using System.Diagnostics;

namespace FalconMamba.Cli;

/// <summary>What this process has in memory, in bytes.</summary>
/// <param name="Bytes">All of it.</param>
/// <param name="Anonymous">Memory of the process's own: buffers, states, heaps; 0 where the system does not tell.</param>
/// <param name="File">Pages of mapped files, the weights above all, which the system may take away and read again; 0 as well.</param>
/// <param name="Peak">The most since the start, or since <see cref="ResetPeak"/>.</param>
internal readonly record struct ResidentMemory(long Bytes, long Anonymous, long File, long Peak)
{
    private const string Status = "/proc/self/status", References = "/proc/self/clear_refs";

    // Measuring memory must not take any.
    private static readonly byte[] Text = new byte[8192];

    /// <summary>Reads the numbers of this moment.</summary>
    public static ResidentMemory Now()
    {
        if (!OperatingSystem.IsLinux())
        {
            using var process = Process.GetCurrentProcess();
            return new ResidentMemory(process.WorkingSet64, 0, 0, process.PeakWorkingSet64);
        }

        lock (Text)
        {
            using var file = System.IO.File.OpenHandle(Status);
            var status = Text.AsSpan(0, RandomAccess.Read(file, Text, 0));
            return new ResidentMemory(Find(status, "VmRSS:"u8), Find(status, "RssAnon:"u8), Find(status, "RssFile:"u8), Find(status, "VmHWM:"u8));
        }
    }

    /// <summary>Forgets the peak, where the system can.</summary>
    public static void ResetPeak()
    {
        try
        {
            if (OperatingSystem.IsLinux()) System.IO.File.WriteAllText(References, "5");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The peak then is that of the whole process.
        }
    }

    /// <summary>One line for people.</summary>
    public override string ToString() =>
        $"{Units.Bytes(Bytes)} resident ({Units.Bytes(Anonymous)} anonymous, {Units.Bytes(File)} of files), at most {Units.Bytes(Peak)}";

    private static long Find(ReadOnlySpan<byte> status, ReadOnlySpan<byte> name)
    {
        var at = status.IndexOf(name);
        return at >= 0 && Utf8Parser.TryParse(status[(at + name.Length)..].TrimStart("\t "u8), out long kilobytes, out _) ? kilobytes * 1024 : 0;
    }
}
