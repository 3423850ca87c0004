namespace FalconMamba.Kernels;

/// <summary>What the machine offers this process.</summary>
internal static class Processor
{
    /// <summary>
    /// Physical cores this process may use: two hyper-threads of a core share its multipliers and its memory port, so a
    /// second one slows products down. Bounded by affinity and container quota through the runtime's own count.
    /// </summary>
    public static int PhysicalCores { get; } = Math.Clamp(CountCores(), 1, Environment.ProcessorCount);

    private static int CountCores()
    {
        try
        {
            var cores = Directory.EnumerateDirectories("/sys/devices/system/cpu", "cpu*")
                .Select(cpu => Path.Combine(cpu, "topology", "thread_siblings_list"))
                .Where(File.Exists)
                .Select(File.ReadAllText)
                .Distinct()
                .Count();
            return cores > 0 ? cores : Environment.ProcessorCount;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Environment.ProcessorCount;
        }
    }
}
