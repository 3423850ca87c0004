using System.CommandLine;
using FalconMamba.Model;
using FalconMamba.Quantization;

namespace FalconMamba.Cli.Plan;

/// <summary><c>plan</c>: what a model would take on this machine, before anything is downloaded.</summary>
internal static class PlanCommand
{
    private const double ProbeSeconds = 3, BytesOfGigabyte = 1e9;

    public static Command Create(Terminal terminal)
    {
        var model = new Argument<string>("MODEL") { Description = $"A model as for the other verbs, a falcon-mamba-7b or Falcon3-Mamba-7B of any owner that need not be here, or a shape: {string.Join(", ", ModelShapes.Names)}." };
        var document = new Option<string?>("--document") { HelpName = "FILE", Description = "A text that the model is to read: how long that takes." };
        var type = WeightTypes.Option("The type of the weights; by default that of the model here, or the largest that fits.", QuantizationMix.All, "--dtype");
        type.Required = false;
        var sequences = CommonOptions.Int32(1, 1_000_000, 1, "--sequences").Describe("N", "So many sequences go on together.");
        var memory = CommonOptions.Double(0, 1e9, 0, "--memory").Describe("GB", "Plan for a machine with so much memory; by default what this one has free.");
        memory.DefaultValueFactory = null;
        var probe = CommonOptions.Double(0, 60, ProbeSeconds, "--probe").Describe("SECONDS", "How long this machine is measured; 0 tells no speeds.");
        var json = CommonOptions.Json();
        var command = new Command("plan", "Tell what a model would take on this machine: memory, which file, and how fast at most. Nothing is downloaded.")
        {
            model, document, type, sequences, memory, probe, json,
        };
        var run = new RunOptions(command);
        command.OnRun(terminal, (parse, cancellationToken) =>
        {
            var options = run.Read(parse);
            var planned = PlannedModel.Find(parse.GetValue(model)!, options);
            var read = parse.GetValue(document) is { } file ? PlannedDocument.Read(file, planned.Path) : null;
            var machine = Machine.Measure(
                terminal, parse.Has(memory) ? (long)(parse.GetValue(memory) * BytesOfGigabyte) : null, options.Threads, parse.GetValue(probe), cancellationToken);
            var report = new PlanReport(planned, parse.GetValue(type), machine, options, parse.GetValue(sequences)) { Document = read };
            if (parse.GetValue(json)) report.WriteJson(terminal);
            else report.Write(terminal);
        });
        return command;
    }
}
