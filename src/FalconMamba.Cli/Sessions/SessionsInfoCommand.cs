using System.CommandLine;

namespace FalconMamba.Cli.Sessions;

/// <summary><c>sessions info</c>: one session.</summary>
internal static class SessionsInfoCommand
{
    public static Command Create(Terminal terminal)
    {
        var name = SessionFolder.Name();
        var json = CommonOptions.Json();
        var command = new Command("info", "Describe a session: model, files, tokens, the places it can go back to.") { name, json };
        command.OnRun(terminal, (parse, _) =>
        {
            var session = SessionFolder.Find(SessionFolder.Open(), parse.GetValue(name)!);
            if (parse.GetValue(json))
            {
                JsonOutput.Write(terminal, session.Write);
                return;
            }

            var output = terminal.Output;
            output.WriteLine($"session:  {ScreenLine.Of(session.Name)}");
            output.WriteLine($"model:    {ScreenLine.Of(session.Model ?? "not noted")}");
            if (session.IsChat) output.WriteLine("kind:     a conversation, 'falcon-mamba chat --session' goes on with it");
            foreach (var file in session.Files) output.WriteLine($"file:     {ScreenLine.Of(file)}");
            output.WriteLine($"tokens:   {Units.Digits(session.TokenCount)}, {Units.Digits(session.ReadCount)} of them read");
            output.WriteLine($"places:   {string.Join(" ", session.States.Select(state => state.Key.Position).OfType<long>())}");
            output.WriteLine($"bytes:    {Units.Bytes(session.ByteLength)} in {session.States.Count} states");
            output.WriteLine($"written:  {session.Written.ToLocalTime():yyyy-MM-dd HH:mm:ss}");
        });
        return command;
    }
}
