using System.CommandLine;
using System.Globalization;
using FalconMamba.Sessions;

namespace FalconMamba.Cli.Sessions;

/// <summary><c>sessions list</c>: every session.</summary>
internal static class SessionsListCommand
{
    public static Command Create(Terminal terminal)
    {
        var json = CommonOptions.Json();
        var command = new Command("list", "List the sessions: model, tokens, bytes.") { json };
        command.OnRun(terminal, (parse, _) =>
        {
            var store = SessionFolder.Open();
            var sessions = store.List().GroupBy(state => state.Key.Name).Select(states => Describe(terminal, store, states)).OfType<SessionFacts>().ToArray();
            if (parse.GetValue(json))
            {
                JsonOutput.Write(terminal, writer =>
                {
                    writer.WriteString("folder", store.Folder);
                    writer.WriteNumber("bytes", sessions.Sum(session => session.ByteLength));
                    writer.WriteObjects("sessions", sessions, session => session.Write(writer));
                });
                return;
            }

            if (sessions.Length > 0)
            {
                var table = new TextTable(3, "session", "model", "written", "tokens", "bytes");
                foreach (var session in sessions)
                {
                    var tokens = session.ReadCount < session.TokenCount ? $"{Units.Digits(session.ReadCount)} of {Units.Digits(session.TokenCount)}" : Units.Digits(session.TokenCount);
                    table.Add(session.Name, session.Model is { } model ? CommonOptions.NameOf(model) : "not noted", session.Written.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture), tokens, Units.Bytes(session.ByteLength));
                }

                table.Write(terminal);
            }

            terminal.Error.WriteLine(sessions.Length > 0
                ? $"{Units.Bytes(sessions.Sum(session => session.ByteLength))} in {store.Folder}"
                : $"no session in {store.Folder}: 'falcon-mamba read FILE --session NAME' makes one, so does /save in 'falcon-mamba chat'");
        });
        return command;
    }

    // One that is damaged, or goes meanwhile, must not hide the others.
    private static SessionFacts? Describe(Terminal terminal, FolderStateStore store, IGrouping<string, StateEntry> states)
    {
        try
        {
            return store.ReadNotes(new StateKey(states.Key)) is { } notes ? new SessionFacts(states.Key, notes, [.. states]) : null;
        }
        catch (IOException e)
        {
            terminal.Error.WriteLine($"warning: {Failure.Sentence(e.Message)}");
            return null;
        }
    }
}
