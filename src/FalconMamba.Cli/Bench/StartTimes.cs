using System.Diagnostics;

namespace FalconMamba.Cli.Bench;

/// <summary>How long this process took to its first model's first token.</summary>
internal sealed class StartTimes
{
    private const double Youth = 3000;

    /// <summary>Milliseconds from the process's start until its first forward pass began; 0 before.</summary>
    public double FirstForward { get; private set; }

    /// <summary>Milliseconds from the process's start until it had the logits of its first token; 0 before.</summary>
    public double FirstToken { get; private set; }

    /// <summary>Runs a first token; only the process's first counts.</summary>
    public void Watch(Action token)
    {
        var before = Age();
        token();
        if (FirstToken > 0) return;
        (FirstForward, FirstToken) = (before, Age());
    }

    /// <summary>Warms up once, and again as long as the process is so young that the runtime still recompiles what is called often.</summary>
    public static void WarmUp(Action run)
    {
        do run();
        while (Age() < Youth);
    }

    private static double Age()
    {
        using var process = Process.GetCurrentProcess();
        return Math.Max(0, (DateTime.UtcNow - process.StartTime.ToUniversalTime()).TotalMilliseconds);
    }
}
