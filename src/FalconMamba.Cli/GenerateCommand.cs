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
        var count = CommonOptions.Int32(1, int.MaxValue, null, "--max-new-tokens", "--max-tokens", "-n")
            .Describe("N", $"Generate at most N tokens; {DefaultNewTokens} by default.");
        var seed = CommonOptions.Seed(0).Describe("S", "Another seed draws another text; the same one the same text.");
        var stop = new Option<string[]>("--stop") { HelpName = "STRING", Description = "End before this string; may be given several times." };
        var stopId = CommonOptions.Int32s("--stop-id").Describe("ID", "End at this token; may be given several times.");
        var ignoreEos = new Option<bool>("--ignore-eos") { Description = "Do not end at the model's own end tokens." };
        var saveState = new Option<string?>("--save-state") { HelpName = "FILE", Description = "At the end, write the session to a file; --load-state goes on from there as if it had never stopped." };
        var loadState = new Option<string?>("--load-state") { HelpName = "FILE", Description = "Go on from a saved session; a prompt is then added to it." };
        var json = CommonOptions.Json().Describe("", "Write one JSON object at the end instead of the text.");
        var command = new Command("generate", "Go on with a text. The text goes to the output as it comes, a line of timings to the error stream.")
        {
            model, prompt, file, echo, count, seed, stop, stopId, ignoreEos, saveState, loadState, json,
        };
        var flags = new GenerationFlags(command);
        var run = new RunOptions(command);
        command.OnRun(terminal, (parse, cancellationToken) =>
        {
            if (parse.Has(prompt) && parse.Has(file)) throw new UsageException("-p and -f were both given: give one of them.");
            if (flags.Has(parse, "--logprobs") && !parse.GetValue(json)) throw new UsageException("--logprobs tells nothing without --json: give both.");
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

            var options = new GenerationOptions
            {
                MaxNewTokens = parse.Has(count) ? parse.GetValue(count) : null,
                Seed = parse.GetValue(seed),
                StopStrings = [.. parse.GetValue(stop) ?? []],
                StopIds = [.. parse.GetValue(stopId) ?? []],
                IgnoreEos = parse.GetValue(ignoreEos),
            };
            if (isDefaultPrompt)
            {
                if (!parse.Has(seed)) options = options with { Seed = DefaultPromptSeed };
                if (!flags.Has(parse, "--temperature") && !flags.Has(parse, "--do-sample") && !flags.Has(parse, "--num-beams"))
                    options = options with { DoSample = true, Temperature = GenerationFlags.DefaultPromptTemperature, TopK = 0 };
            }

            var session = new GenerationSession(terminal, folder, run.Read(parse))
            {
                Prompt = text,
                Echo = parse.GetValue(echo),
                Json = parse.GetValue(json),
                LoadState = parse.GetValue(loadState),
                SaveState = target,
                Options = Complete(terminal, folder, flags.Read(parse, options)),
            };
            session.Run(cancellationToken);
        });
        return command;
    }

    // The checkpoint's own settings count where the user gives none.
    private static GenerationOptions Complete(Terminal terminal, string folder, GenerationOptions given)
    {
        var (options, warnings) = GenerationConfig.FromFolder(folder).Complete(given);
        foreach (var warning in warnings) terminal.Error.WriteLine($"warning: {warning}");
        if (options.MaxNewTokens is null && options.MaxLength is null) options = options with { MaxNewTokens = DefaultNewTokens };
        try
        {
            options.Check();
        }
        catch (ArgumentException e)
        {
            throw new UsageException(Failure.Sentence(e.Message));
        }

        return options;
    }
}
