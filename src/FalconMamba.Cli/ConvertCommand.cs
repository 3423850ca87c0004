using System.CommandLine;
using FalconMamba.Model;

namespace FalconMamba.Cli;

/// <summary><c>convert</c>: the same model with weights of another type.</summary>
internal static class ConvertCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = CommonOptions.Model();
        var output = new Argument<string>("OUT") { Description = "The folder to write; it must not be there or be empty." };
        var type = WeightTypes.Option("The type of the weights; numbers are rounded to the nearest.", WeightTypes.Plain);
        var force = new Option<bool>("--force") { Description = "Replace the model in a folder that is not empty." };
        var command = new Command("convert", "Write a model with weights of another type; its tokenizer, templates, card and licence go along.")
        {
            model, output, type, force,
        };
        command.OnRun(terminal, (parse, cancellationToken) =>
        {
            var source = CommonOptions.Locate(parse, model);
            var target = parse.GetValue(output)!;
            if (Path.GetFullPath(target) == Path.GetFullPath(source)) throw new UsageException("OUT is the model's own folder: name another one.");
            var weights = parse.GetValue(type)!.Matrices;
            using var conversion = CheckpointConversion.Open(source, weights);
            var folder = new OutputFolder(target, parse.GetValue(force), conversion.ByteLength);
            using (var progress = new ProgressBar(terminal, "writing", conversion.ByteLength, Units.Bytes))
                folder.Fill(path => conversion.Write(path, progress, cancellationToken));
            terminal.Error.WriteLine($"{folder.FullName}: {Units.Bytes(conversion.ByteLength)} of weights as {weights}");
        });
        return command;
    }
}
