using System.CommandLine;
using System.Diagnostics;
using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary><c>synth</c>: a checkpoint of random weights, to measure with.</summary>
internal static class SynthCommand
{
    public static Command Create(Terminal terminal)
    {
        var output = new Argument<string>("OUT") { Description = "The folder to write; it must not be there or be empty." };
        var shape = new Option<string>("--shape") { HelpName = string.Join('|', ModelShapes.Names), Description = "The sizes of a published Mamba.", Required = true };
        var type = WeightTypes.Option("The type of the weights.");
        var layers = CommonOptions.Int32(1, 4096, null, "--layers").Describe("N", "Another number of layers than the published one.");
        var seed = CommonOptions.Seed(0).Describe("S", "Another seed gives other weights.");
        var force = new Option<bool>("--force") { Description = "Replace the model in a folder that is not empty." };
        var command = new Command("synth", "Write a checkpoint of random weights in Hugging Face layout, with Falcon's vocabulary but no tokenizer, for measuring.")
        {
            output, shape, type, layers, seed, force,
        };
        shape.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !ModelShapes.Names.Contains(result.Tokens[^1].Value.ToLowerInvariant()))
                result.AddError($"--shape takes one of {string.Join(", ", ModelShapes.Names)}, \"{result.Tokens[^1].Value}\" was given.");
        });
        command.OnRun(terminal, (parse, cancellationToken) =>
        {
            var config = ModelShapes.Config(parse.GetValue(shape)!.ToLowerInvariant(), parse.Has(layers) ? parse.GetValue(layers) : null);
            var bytes = RandomCheckpoint.ByteLength(config, parse.GetValue(type));
            var folder = new OutputFolder(parse.GetValue(output)!, parse.GetValue(force), bytes);
            var start = Stopwatch.GetTimestamp();
            using (var progress = new ProgressBar(terminal, "writing", bytes, Units.Bytes))
                folder.Fill(path => RandomCheckpoint.Write(path, config, parse.GetValue(type), parse.GetValue(seed), progress, cancellationToken));
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            terminal.Error.WriteLine(
                $"{folder.FullName}: {Units.Bytes(bytes)} of random weights in {Units.Short(seconds)} s ({Units.Bytes((long)(bytes / seconds))}/s), without a tokenizer: "
                + "use token ids, as in 'falcon-mamba logits --ids'.");
        });
        return command;
    }
}
