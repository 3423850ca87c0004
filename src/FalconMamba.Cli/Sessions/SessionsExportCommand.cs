using System.CommandLine;
using FalconMamba.Sessions;

namespace FalconMamba.Cli.Sessions;

/// <summary><c>sessions export</c>: a session's state as a file, which <c>generate --load-state</c> goes on from.</summary>
internal static class SessionsExportCommand
{
    public static Command Create(Terminal terminal)
    {
        var name = SessionFolder.Name();
        var file = new Argument<string>("OUT") { Description = "The file to write." };
        var force = new Option<bool>("--force") { Description = "Replace the file." };
        var command = new Command("export", "Write a session's state and tokens to one file, for another machine or 'generate --load-state'.") { name, file, force };
        command.OnRun(terminal, (parse, _) =>
        {
            var store = SessionFolder.Open();
            var session = SessionFolder.Find(store, parse.GetValue(name)!);
            var head = session.States.First(state => state.Key.Position is null);
            var target = OutputFile.Check(parse.GetValue(file)!, parse.GetValue(force), head.ByteLength);
            var temporary = $"{target}.{Guid.NewGuid():N}.tmp";
            try
            {
                File.Copy(store.PathOf(new StateKey(session.Name)), temporary);
                File.Move(temporary, target, overwrite: true);
            }
            finally
            {
                File.Delete(temporary);
            }

            terminal.Error.WriteLine($"wrote {target}: {Units.Digits(session.ReadCount)} tokens, {Units.Bytes(head.ByteLength)}");
        });
        return command;
    }
}
