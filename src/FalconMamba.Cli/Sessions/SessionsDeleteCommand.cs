using System.CommandLine;
using FalconMamba.Sessions;

namespace FalconMamba.Cli.Sessions;

/// <summary><c>sessions delete</c>: takes a session away.</summary>
internal static class SessionsDeleteCommand
{
    public static Command Create(Terminal terminal)
    {
        var name = SessionFolder.Name();
        var command = new Command("delete", "Delete a session; its documents stay.") { name };
        command.OnRun(terminal, (parse, _) =>
        {
            var store = SessionFolder.Open();
            var session = parse.GetValue(name)!;
            // Also one whose newest state is damaged or gone.
            var states = store.List(session);
            if (states.Count == 0) SessionFolder.Find(store, session);
            using (SessionFolder.Lock(store, session)) Session.Delete(store, session);
            terminal.Error.WriteLine($"deleted {session}, {Units.Bytes(states.Sum(state => state.ByteLength))} are free again");
        });
        return command;
    }
}
