namespace FalconMamba.Cli.Tests;

/// <summary>Names the folder of sessions for this process: tests that set it belong to one collection.</summary>
internal static class SessionsVariable
{
    public const string Name = "FALCON_MAMBA_SESSIONS";
}
