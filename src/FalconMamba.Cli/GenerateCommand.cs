using System.CommandLine;
using FalconMamba.Generation;

namespace FalconMamba.Cli;

/// <summary><c>generate</c>: goes on with a text.</summary>
internal static class GenerateCommand
{
    // What a run without a prompt shows: drawn, so that it reads well, but the same every time.
    private const string DefaultPrompt = "ROMEO:";
    private const ulong DefaultPromptSeed = 67;
    private const int DefaultNewTokens = 256;

    public static Command Create(Terminal terminal)
    {
        var model = new Argument<string>("MODEL")
        {
            Description = CommonOptions.ModelDescription,
            DefaultValueFactory = _ => CommonOptions.DefaultModel,
        };
        var prompt = new Option<string?>("--prompt", "-p") { HelpName = "TEXT", Description = "The text to go on with; - reads the standard input." };
        var file = new Option<string?>("--file", "-f") { HelpName = "FILE", Description = "Read the prompt from a file, exactly as it is." };
        var echo = new Option<bool>("--echo") { Description = "Write the prompt before the text." };
        var saveState = new Option<string?>("--save-state") { HelpName = "FILE", Description = "At the end, write the session to a file; --load-state goes on from there as if it had never stopped." };
        var loadState = new Option<string?>("--load-state") { HelpName = "FILE", Description = "Go on from a saved session; a prompt is then added to it." };
        var json = CommonOptions.Json().Describe("", "Write one JSON object at the end instead of the text.");
        var command = new Command("generate", "Go on with a text. The text goes to the output as it comes, a line of timings to the error stream.")
        {
            model, prompt, file, echo, saveState, loadState, json,
        };
        var texts = new TextOptions(command, DefaultNewTokens);
        var assistants = new AssistantOption(command);
        var run = new RunOptions(command);
        command.OnRun(terminal, (parse, cancellationToken) =>
        {
            if (parse.Has(prompt) && parse.Has(file)) throw new UsageException("-p and -f were both given: give one of them.");
            if (texts.Has(parse, "--logprobs") && !parse.GetValue(json)) throw new UsageException("--logprobs tells nothing without --json: give both.");
            var target = parse.GetValue(saveState) is { } path ? OutputFile.Check(path) : null;
            var folder = CommonOptions.Locate(parse, model);
            var text = parse.GetValue(prompt) is { } given
                ? given == "-" ? TextInput.Read(terminal.Input, "The standard input") : given
                : parse.GetValue(file) is { } promptFile ? TextInput.File(promptFile) : null;
            var isDefaultPrompt = text is null && !parse.Has(loadState);
            if (isDefaultPrompt)
            {
                if (CommonOptions.NameOf(folder) != CommonOptions.DefaultModel)
                    throw new UsageException("There is no prompt: give -p TEXT, -f FILE or --load-state FILE.");
                text = DefaultPrompt;
                terminal.Error.WriteLine($"prompt: {DefaultPrompt} (give your own with -p TEXT)");
            }

            var defaults = new GenerationOptions();
            if (isDefaultPrompt)
            {
                defaults = defaults with { Seed = DefaultPromptSeed };
                if (!texts.Has(parse, "--temperature") && !texts.Has(parse, "--do-sample") && !texts.Has(parse, "--num-beams"))
                    defaults = defaults with { DoSample = true, Temperature = GenerationFlags.DefaultPromptTemperature, TopK = 0 };
            }

            using var assistant = assistants.Load(terminal, parse, run.Read(parse), cancellationToken);
            var session = new GenerationSession(terminal, folder, run.Read(parse))
            {
                Prompt = text,
                Echo = parse.GetValue(echo),
                Json = parse.GetValue(json),
                LoadState = parse.GetValue(loadState),
                SaveState = target,
                Options = texts.Complete(terminal, folder, texts.Read(parse, defaults with { AssistantModel = assistant, AssistantTokenizer = assistant?.Tokenizer })),
            };
            session.Run(cancellationToken);
        });
        return command;
    }
}
