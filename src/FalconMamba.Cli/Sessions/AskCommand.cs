using System.CommandLine;

namespace FalconMamba.Cli.Sessions;

/// <summary><c>ask</c>: a question about what a session has read.</summary>
internal static class AskCommand
{
    private const int DefaultNewTokens = 512;

    public static Command Create(Terminal terminal)
    {
        var name = SessionFolder.Name();
        var question = new Argument<string>("QUESTION") { Description = "The question; - reads the standard input." };
        var model = new Option<string?>("--model", "-m") { HelpName = "MODEL", Description = "Where the model is now, if it is no longer where it was when it read." };
        var json = CommonOptions.Json().Describe("", "Write one JSON object at the end instead of the text.");
        var command = new Command("ask", "Ask about the documents of a session, which stays as it was read: each question is the first. The answer goes to the output as it comes, a line of timings to the error stream.")
        {
            name, question, model, json,
        };
        var texts = new TextOptions(command, DefaultNewTokens);
        var run = new RunOptions(command);
        command.OnRun(terminal, (parse, cancellationToken) =>
        {
            if (texts.Has(parse, "--logprobs") && !parse.GetValue(json)) throw new UsageException("--logprobs tells nothing without --json: give both.");
            if (texts.Has(parse, "--num-return-sequences")) throw new UsageException("--num-return-sequences gives several texts, and an answer is one: leave it out.");
            var store = SessionFolder.Open();
            var facts = SessionFolder.Find(store, parse.GetValue(name)!);
            if (facts.IsChat) throw new CommandException($"The session {facts.Name} is a conversation: 'falcon-mamba chat --session {facts.Name}' goes on with it.");
            if (facts.Text is null) throw new CommandException($"The session {facts.Name} has read no document: make one with 'falcon-mamba read'.");
            var text = parse.GetValue(question)!;
            if (text == "-") text = TextInput.Read(terminal.Input, "The standard input");
            if (string.IsNullOrWhiteSpace(text)) throw new UsageException("QUESTION is empty.");
            var path = CommonOptions.Locate(parse.GetValue(model) ?? facts.Model ?? CommonOptions.DefaultModel);
            var options = texts.Complete(terminal, path, texts.Read(parse));
            new DocumentQuestion(terminal, store, facts, path, run.Read(parse)) { Options = options, Json = parse.GetValue(json) }.Ask(text, cancellationToken);
        });
        return command;
    }
}
