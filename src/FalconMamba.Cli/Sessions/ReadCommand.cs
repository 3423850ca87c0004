using System.CommandLine;
using FalconMamba.Cli.Documents;
using FalconMamba.Sessions;

namespace FalconMamba.Cli.Sessions;

/// <summary><c>read</c>: reads documents once, for any number of questions.</summary>
internal static class ReadCommand
{
    private const double DefaultCheckpointSeconds = 60;

    public static Command Create(Terminal terminal)
    {
        var files = new Argument<string[]>("FILE") { Description = $"Documents, which are read one behind the other: {DocumentFormats.Names}.", Arity = ArgumentArity.OneOrMore };
        var name = new Option<string>("--session") { HelpName = "NAME", Description = "The name to ask it by; what it has read of these documents already is not read again.", Required = true };
        var model = new Option<string>("--model", "-m") { HelpName = "MODEL", Description = CommonOptions.ModelDescription, DefaultValueFactory = _ => CommonOptions.DefaultModel };
        var checkpoint = CommonOptions.Double(0.05, 86_400, DefaultCheckpointSeconds, "--checkpoint").Describe("SECONDS", "How often the session is stored while it reads.");
        var json = CommonOptions.Json();
        var command = new Command("read", "Read documents into a session, for questions by 'falcon-mamba ask'. Stopped, or killed, it goes on where it was.") { files, name, model, checkpoint, json };
        var run = new RunOptions(command);
        command.OnRun(terminal, (parse, cancellationToken) =>
        {
            var session = parse.GetValue(name)!;
            var store = SessionFolder.Open();
            using var claim = SessionFolder.Lock(store, session);
            if (store.ReadNotes(new StateKey(session))?.ContainsKey(SessionFacts.ChatKey) is true) throw new CommandException($"The session {session} is a conversation: name another one.");
            var paths = parse.GetValue(files)!;
            var texts = paths.Select(path => TextOf(terminal, path, cancellationToken)).ToArray();
            var text = string.Join("\n\n", texts.Select(part => part.Trim('\uFEFF', '\n', '\r')));
            DocumentText.CheckLength("What is to be read", text.Length);
            if (string.IsNullOrWhiteSpace(text)) throw new CommandException("There is no text to read: give other files.");
            new DocumentReading(terminal, store, CommonOptions.Locate(parse.GetValue(model)!), run.Read(parse))
            {
                Name = session,
                Files = paths,
                Text = text,
                Checkpoint = TimeSpan.FromSeconds(parse.GetValue(checkpoint)),
                Json = parse.GetValue(json),
            }.Run(cancellationToken);
        });
        return command;
    }

    private static string TextOf(Terminal terminal, string path, CancellationToken cancellationToken)
    {
        if (!DocumentFormats.IsWrapped(path)) return TextInput.File(path);
        TextInput.Check(path);
        return UnwrapProcess.Read(terminal, path, cancellationToken);
    }
}
