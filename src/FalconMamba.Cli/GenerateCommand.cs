using System.Collections.Immutable;
using System.CommandLine;
using FalconMamba.Generation;

namespace FalconMamba.Cli;

/// <summary><c>generate</c>: goes on with a text.</summary>
internal static class GenerateCommand
{
    // What a run without a prompt shows: drawn, so that it reads well, but the same every time.
    private const string DefaultPrompt = "ROMEO:";
    private const double DefaultPromptTemperature = 0.8;
    private const ulong DefaultPromptSeed = 67;

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
        var count = CommonOptions.Int32(1, int.MaxValue, 256, "--max-tokens", "-n").Describe("N", "Generate at most N tokens.");
        var temperature = CommonOptions.Double(0, float.MaxValue, 0, "--temperature")
            .Describe("T", FormattableString.Invariant($"Draw with this temperature; 0 takes the likeliest token. Without a prompt it is {DefaultPromptTemperature}."));
        var topK = CommonOptions.Int32(0, int.MaxValue, 0, "--top-k").Describe("K", "Draw from the K likeliest tokens only; 0 for all.");
        var topP = CommonOptions.Double(0, 1, 1, "--top-p").Describe("P", "Draw from the likeliest tokens that have the probability P together.");
        var minP = CommonOptions.Double(0, 1, 0, "--min-p").Describe("M", "Draw only from tokens at least M times as likely as the likeliest.");
        var seed = CommonOptions.Seed(0).Describe("S", "Another seed draws another text; the same one the same text.");
        var stop = new Option<string[]>("--stop") { HelpName = "STRING", Description = "End before this string; may be given several times." };
        var stopId = CommonOptions.Int32s("--stop-id").Describe("ID", "End at this token; may be given several times.");
        var ignoreEos = new Option<bool>("--ignore-eos") { Description = "Do not end at the model's own end tokens." };
        var saveState = new Option<string?>("--save-state") { HelpName = "FILE", Description = "At the end, write the session to a file; --load-state goes on from there as if it had never stopped." };
        var loadState = new Option<string?>("--load-state") { HelpName = "FILE", Description = "Go on from a saved session; a prompt is then added to it." };
        var json = CommonOptions.Json().Describe("", "Write one JSON object at the end instead of the text.");
        var command = new Command("generate", "Go on with a text. The text goes to the output as it comes, a line of timings to the error stream.")
        {
            model, prompt, file, echo, count, temperature, topK, topP, minP, seed, stop, stopId, ignoreEos, saveState, loadState, json,
        };
        var run = new RunOptions(command);
        command.OnRun(terminal, (parse, cancellationToken) =>
        {
            if (parse.Has(prompt) && parse.Has(file)) throw new UsageException("-p and -f were both given: give one of them.");
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

            var ignoresEos = parse.GetValue(ignoreEos);
            var session = new GenerationSession(terminal, folder, run.Read(parse))
            {
                Prompt = text,
                Echo = parse.GetValue(echo),
                Json = parse.GetValue(json),
                LoadState = parse.GetValue(loadState),
                SaveState = target,
                Options = new GenerationOptions
                {
                    MaxNewTokens = parse.GetValue(count),
                    Temperature = isDefaultPrompt && !parse.Has(temperature) ? DefaultPromptTemperature : parse.GetValue(temperature),
                    TopK = parse.GetValue(topK),
                    TopP = parse.GetValue(topP),
                    MinP = parse.GetValue(minP),
                    Seed = isDefaultPrompt && !parse.Has(seed) ? DefaultPromptSeed : parse.GetValue(seed),
                    StopStrings = [.. parse.GetValue(stop) ?? []],
                    StopIds = [.. parse.GetValue(stopId) ?? [], .. ignoresEos ? [] : EndTokens(folder)],
                    IgnoreEos = ignoresEos,
                },
            };
            session.Run(cancellationToken);
        });
        return command;
    }

    // The instruction-tuned checkpoints name further end tokens there, config.json only the first.
    private static ImmutableArray<int> EndTokens(string folder) =>
        Path.Combine(folder, "generation_config.json") is var path && File.Exists(path) ? GenerationConfig.FromFile(path).EosTokenIds : [];
}
