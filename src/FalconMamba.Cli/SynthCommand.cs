using System.CommandLine;
using System.Diagnostics;
using FalconMamba.Model;
using FalconMamba.Quantization;

namespace FalconMamba.Cli;

/// <summary><c>synth</c>: a checkpoint of random weights, to measure with.</summary>
internal static class SynthCommand
{
    private const string GgufExtension = ".gguf";

    public static Command Create(Terminal terminal)
    {
        var output = new Argument<string>("OUT") { Description = "The folder to write, which must not be there or be empty; or the file, if it ends in .gguf." };
        var shape = new Option<string>("--shape") { HelpName = string.Join('|', ModelShapes.Names), Description = "The sizes of a published Mamba.", Required = true };
        var type = WeightTypes.Option("The type of the weights; folders hold the first three.", QuantizationMix.All);
        var layers = CommonOptions.Int32(1, 4096, null, "--layers").Describe("N", "Another number of layers than the published one.");
        var seed = CommonOptions.Seed(0).Describe("S", "Another seed gives other weights.");
        var force = new Option<bool>("--force") { Description = "Replace the model in a folder that is not empty, or the file." };
        var command = new Command("synth", "Write a checkpoint of random weights, in Hugging Face layout or as a GGUF file, with Falcon's vocabulary but no tokenizer, for measuring.")
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
            var target = parse.GetValue(output)!;
            var mix = parse.GetValue(type)!;
            var isFile = target.EndsWith(GgufExtension, StringComparison.OrdinalIgnoreCase);
            if (!isFile && !mix.IsPlain) throw new UsageException($"{mix.Name} is a type of GGUF files: let OUT end in {GgufExtension}.");
            var config = ModelShapes.Config(parse.GetValue(shape)!.ToLowerInvariant(), parse.Has(layers) ? parse.GetValue(layers) : null);
            var bytes = isFile ? RandomCheckpoint.ByteLength(config, mix) : RandomCheckpoint.ByteLength(config, mix.Matrices);
            Action<ProgressBar> write;
            if (isFile)
            {
                OutputFile.Check(target, parse.GetValue(force), bytes);
                write = progress => RandomCheckpoint.Write(target, config, mix, parse.GetValue(seed), progress, cancellationToken);
            }
            else
            {
                var folder = new OutputFolder(target, parse.GetValue(force), bytes);
                write = progress => folder.Fill(path => RandomCheckpoint.Write(path, config, mix.Matrices, parse.GetValue(seed), progress, cancellationToken));
            }

            var start = Stopwatch.GetTimestamp();
            using (var progress = new ProgressBar(terminal, "writing", bytes, Units.Bytes)) write(progress);
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            terminal.Error.WriteLine(
                $"{Path.GetFullPath(target)}: {Units.Bytes(bytes)} of random weights in {Units.Short(seconds)} s ({Units.Bytes((long)(bytes / seconds))}/s), without a tokenizer: "
                + "use token ids, as in 'falcon-mamba logits --ids'.");
        });
        return command;
    }
}
