namespace FalconMamba.Cli;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Ok = 0;

    /// <summary>Not done: a file, a model or the machine did not allow it.</summary>
    public const int Failure = 1;

    /// <summary>Not tried: the command line makes no sense.</summary>
    public const int Usage = 2;

    /// <summary>Stopped by the user.</summary>
    public const int Cancelled = 130;
}
