using System.CommandLine;
using System.Diagnostics;
using FalconMamba.Formats.Safetensors;
using FalconMamba.Model;
using FalconMamba.Tokenization;

namespace FalconMamba.Cli;

/// <summary><c>logits</c>: a prompt's logits, hidden states and final state as a safetensors file.</summary>
internal static class LogitsCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var ids = new Option<string?>("--ids") { HelpName = "5,6,7", Description = "The prompt as token ids." };
        var idsFile = new Option<string?>("--ids-file") { HelpName = "FILE", Description = "The prompt as token ids in a text file: with commas or white space between them, or a JSON array." };
        var prompt = new Option<string?>("--prompt", "-p") { HelpName = "TEXT", Description = "The prompt as text; - reads the standard input." };
        var output = new Option<string>("--out", "-o") { HelpName = "FILE", Description = "The safetensors file to write.", Required = true };
        var hidden = new Option<bool>("--hidden") { Description = "Also write hidden.0 … hidden.L+1: the embedding, each layer's output, the final norm [T, H]." };
        var state = new Option<bool>("--state") { Description = "Also write the state after the prompt: state.I.conv [K-1, D], oldest first, and state.I.ssm [D, N]." };
        var last = new Option<bool>("--last") { Description = "Write the rows of the last token only." };
        var reference = new Option<bool>("--reference") { Description = "Compute with the float64 reference model: slow, exact." };
        var command = new Command("logits", "Write the next-token logits of every token of a prompt [T, vocabulary] to a safetensors file.")
        {
            model, ids, idsFile, prompt, output, hidden, state, last, reference,
        };
        var run = new RunOptions(command);
        command.OnRun(terminal, (parse, cancellationToken) =>
        {
            if (new Option[] { ids, idsFile, prompt }.Count(parse.Has) != 1) throw new UsageException("Give the prompt as one of --ids, --ids-file and -p.");
            var given = parse.GetValue(ids) is { } text
                ? IdList.TryParse(text, out var wrong) ?? throw new UsageException($"--ids has \"{wrong}\": give whole numbers from 0 with commas between them.")
                : null;
            var folder = CommonOptions.Locate(parse, model);
            given ??= parse.GetValue(idsFile) is { } path ? FromFile(path) : FromText(terminal, folder, parse.GetValue(prompt)!);
            if (given.Length == 0) throw new UsageException("The prompt has no tokens: give at least one.");
            var target = OutputFile.Check(parse.GetValue(output)!);

            using var source = Open(terminal, folder, parse.GetValue(reference), run.Read(parse), cancellationToken);
            foreach (var id in given)
            {
                if (id >= source.Config.VocabSize)
                    throw new CommandException($"Token {id} is not in the vocabulary of {CommonOptions.NameOf(folder)}, whose ids go from 0 to {source.Config.VocabSize - 1}.");
            }

            var request = new LogitsRequest(given, parse.GetValue(last), parse.GetValue(hidden), parse.GetValue(state));
            var start = Stopwatch.GetTimestamp();
            using (var progress = new ProgressBar(terminal, "reading tokens", given.Length, Units.Digits))
                SafetensorsWriter.Write(target, source.Entries(request, progress, cancellationToken));
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            terminal.Error.WriteLine(
                $"{target}: {given.Length} {(given.Length == 1 ? "token" : "tokens")} in {Units.Short(seconds)} s ({Units.Short(given.Length / seconds)} tokens/s), {Units.Bytes(new FileInfo(target).Length)}; memory: at most {Units.Bytes(ResidentMemory.Now().Peak)}");
        });
        return command;
    }

    private static LogitsSource Open(Terminal terminal, string folder, bool reference, ModelOptions options, CancellationToken cancellationToken)
    {
        if (!reference) return new ModelLogits(ModelLoading.Load(terminal, folder, options, cancellationToken));
        using var weights = ModelWeights.Open(folder);
        return new ReferenceLogits(weights, options);
    }

    private static int[] FromFile(string path) =>
        IdList.TryParse(TextInput.File(path), out var wrong) ?? throw new CommandException($"{path} has \"{wrong}\", which is no token id: give whole numbers from 0.");

    private static int[] FromText(Terminal terminal, string folder, string text) =>
        Tokenizer.Load(folder).Encode(text == "-" ? TextInput.Read(terminal.Input, "The standard input") : text);
}
