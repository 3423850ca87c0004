namespace FalconMamba.Cli;

/// <summary>What the machine's processor calls itself.</summary>
internal static class Processors
{
    private const string Information = "/proc/cpuinfo";

    public static string Name { get; } = Read();

    private static string Read()
    {
        if (!File.Exists(Information)) return System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString();
        var line = File.ReadLines(Information).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
        return line?.Split(':', 2)[^1].Trim() ?? "unknown";
    }
}
