using System.CommandLine;

namespace FalconMamba.Cli.Sessions;

/// <summary><c>sessions</c>: what was read.</summary>
internal static class SessionsCommand
{
    public static Command Create(Terminal terminal) => new("sessions", "List, describe, delete and export sessions.")
    {
        SessionsListCommand.Create(terminal),
        SessionsInfoCommand.Create(terminal),
        SessionsDeleteCommand.Create(terminal),
        SessionsExportCommand.Create(terminal),
    };
}
